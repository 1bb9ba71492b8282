def f(x: Tensor):
  def g(a: int, b: int):
    return a * 10 + b
  fut = torch.jit.fork(g, b=1, a=2)
  return torch.jit.wait(fut)
def h(x: Tensor):
  t = (1, 2, 3)
  return t[::-9223372036854775807]

def f(x: int, s: str):
  y = 2
  def g(a: int, b: int) -> int:
    def h(c: int):
      return c + a + y
    return h(b)
  def k():
    pass
  z = lambda_free(g(1, 2))
  k()
  for i in range(x):
    def m(a: int):
      return a + i
    y += m(1)
  fut = torch.jit.fork(g, 1, 2)
  return torch.jit.wait(fut) + y + z
def lambda_free(x: int):
  return x

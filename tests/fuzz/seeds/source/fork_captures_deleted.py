def f(n: int):
  m = n
  del m
  def g(): return m
  return torch.jit.fork(g)

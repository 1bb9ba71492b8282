def f(x: Tensor, n: int):
  def g(a, b: int) -> Tensor:
    if b > 1: return a
    return a + x + n
  def h():
    pass
  def k(a: Tensor):
    for i in range(n):
      if i > 2: return a
    return x
  if n > 2:
    def q(): return 1
  else:
    def q(): return 2
  return g(x, n), h(), k(x)

def f(x: Tensor, n: int):
  def g(a, b: int) -> Tensor:
    if b > 1: return a
    return a + x + n
  def k(a: Tensor):
    for i in range(n):
      if i > 2: return a
    return x
  return g(x, n), k(x)

def f(n: int):
  def g(a: int):
    if a > 1: return 1
  return g(1)

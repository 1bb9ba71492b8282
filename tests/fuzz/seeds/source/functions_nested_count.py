def f(n: int):
  def g(a: int): return a
  return g(1, 2)

def f(n: int):
  def g(a: int): return g(a)
  return g(1)

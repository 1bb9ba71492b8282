def f(n: int):
  def g(a: int): return a
  return g(a=1)

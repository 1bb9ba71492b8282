def f(x: Tensor):
  def g(a) -> Strange: return a
  return g(x)

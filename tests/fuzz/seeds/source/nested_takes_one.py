def f(x: int):
  def g(y):
    return y
  def h(a, b):
    return a
  if x > 1:
    return g()
  return h(1)

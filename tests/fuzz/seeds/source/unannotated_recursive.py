def f(x: int):
  return g(x)
def g(x: int):
  return f(x)

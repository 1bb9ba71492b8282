def f(n: int):
  return g(n)
def g(n: int):
  return h(n) + 1
def h(n: int):
  return zz

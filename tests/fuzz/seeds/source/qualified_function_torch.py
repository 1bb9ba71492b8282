def g(x: int):
  return x
def f(x: int):
  return __torch__.g(x)

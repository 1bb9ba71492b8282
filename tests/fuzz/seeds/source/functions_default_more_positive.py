def f(a: float = +1):
  return a

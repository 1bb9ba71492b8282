def f(a: bool = not 1):
  return a

def f(a: float = -inf):
  return a

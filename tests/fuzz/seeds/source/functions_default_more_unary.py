def f(a: int = -nope):
  return a

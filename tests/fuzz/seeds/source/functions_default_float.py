def f(a: float = float("x")):
  return a

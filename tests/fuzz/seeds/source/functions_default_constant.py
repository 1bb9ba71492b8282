def f(a: int = CONSTANTS.c0):
  return a

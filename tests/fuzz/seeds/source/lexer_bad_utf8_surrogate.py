def f(x: int):
  return í €

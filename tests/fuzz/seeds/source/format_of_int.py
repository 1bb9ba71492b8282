def f(x: int):
  return x.format(1)

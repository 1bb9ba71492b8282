def f(xÿ: int):
  return x

def f(x: int):
  y = 1
    z = 2
  return y

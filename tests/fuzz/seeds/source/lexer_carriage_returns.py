def f(x: int):
  if x > 1:    return x
  return 2
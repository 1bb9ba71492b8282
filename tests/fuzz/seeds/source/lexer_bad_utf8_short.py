def f(x: int):
  return â‚
def f():
  return Tuple(1, 2)

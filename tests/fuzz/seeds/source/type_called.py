def f():
  return Tuple[int, int](1, 2)

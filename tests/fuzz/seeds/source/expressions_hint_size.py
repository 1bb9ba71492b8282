def f():
  a: Tuple[int, int, int] = (1, 2)

def f():
  a: Tuple[int, int] = (torch, 1)

def f(p: Tuple[int, str]):
  c = p + (3,)
  return c

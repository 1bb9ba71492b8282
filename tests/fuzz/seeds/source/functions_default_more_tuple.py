def f(a: Tuple[int, int] = (1, nope)):
  return a

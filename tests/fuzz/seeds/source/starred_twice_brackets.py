def f(x: List[int]):
  [*a, *b] = x
  return a

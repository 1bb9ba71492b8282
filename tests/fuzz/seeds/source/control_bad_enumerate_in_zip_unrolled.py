def f(l: List[int]):
  for i, j in zip((1, 2), enumerate(l, "a")): pass

def f(l: List[int]):
  for i, j in enumerate(l, "a"): pass

def f(l: List[int]):
  for i, j in enumerate(enumerate(l, "a")): pass

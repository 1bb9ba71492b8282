def f(l: List[int]):
  for i, j in zip(l, enumerate(l, "a")): pass

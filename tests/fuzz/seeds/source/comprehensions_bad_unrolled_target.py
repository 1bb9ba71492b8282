def f(l: List[int]):
  return [i for i, j in (1, 2)]

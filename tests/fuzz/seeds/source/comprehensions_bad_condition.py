def f(l: List[int]):
  return [i for i in (1, 2) if l is l and nope]

def f(x: List[Tuple[int, int]]):
  for *a, *b in x:
    pass

def f(l: List[int]):
  if l:
    return 1
  return 2

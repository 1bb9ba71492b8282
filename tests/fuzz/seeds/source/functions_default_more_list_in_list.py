def f(a: List[List[int]] = [[nope]]):
  return a

def f(a: Dict[List[int], int]):
  return a

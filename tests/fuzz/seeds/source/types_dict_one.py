def f(a: Dict[int]):
  return a

def f(a: Dict[str, int] = {1: 1}):
  return a

def f(a: Dict[str, int] = {**{}}):
  return a

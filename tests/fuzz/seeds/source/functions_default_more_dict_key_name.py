def f(a: Dict[str, int] = {nope: 1}):
  return a

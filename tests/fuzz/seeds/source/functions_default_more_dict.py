def f(a: Dict[str, int] = {"a": nope}):
  return a

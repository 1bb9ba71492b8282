def f(a: List[int] = [nope]):
  return a

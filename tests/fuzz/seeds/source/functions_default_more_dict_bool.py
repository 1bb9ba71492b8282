def f(a: Dict[bool, float] = {True: 1, False: 2.5}):
  return a

def f(a: Any = [i for i in []]):
  return a

def f(a: Any = {1}):
  return a

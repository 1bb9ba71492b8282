def f(a: Any):
  return isinstance(a, b=int)

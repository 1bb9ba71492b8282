def f(a: Any):
  return isinstance(a, (int, (str, Strange)))

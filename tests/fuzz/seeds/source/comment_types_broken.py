def f(a,  # type: (
      b):
  return a

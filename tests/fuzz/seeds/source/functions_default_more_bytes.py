def f(a: str = b"a"):
  return a

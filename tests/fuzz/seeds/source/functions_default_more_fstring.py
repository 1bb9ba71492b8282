def f(a: str = f"{1}"):
  return a

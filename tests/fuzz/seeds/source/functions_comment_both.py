def f(a: int):
  # type: (int) -> int
  return a

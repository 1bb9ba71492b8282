def f(n: int) -> int:
  n += 1

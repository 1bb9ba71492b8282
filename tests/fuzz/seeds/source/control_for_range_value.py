def f(n: int):
  a = range(1, n)
  b = [a]

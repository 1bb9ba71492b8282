def f(n: int):
  for i in range(n): m = i
  return m

def f(c: bool, n: int, x: Tensor):
  a = 1
  b = 2
  d = 3
  if c:
    a = n
    b = n + 1
    d = n + 2
  for i in range(n):
    a = i
    b = b + i
    d = i
  return b, d

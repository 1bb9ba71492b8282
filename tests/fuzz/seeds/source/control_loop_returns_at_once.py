def f(n: int, a: int, c: bool, b: bool):
  for i in range(n):
    a = a
    return a
  while c:
    c = b
    b = b
    return 5
  return 3

def f(n: int, c: bool):
  m = 1
  while c:
    if n > 1: del m
    else: m = 2
  return m

def f(c: bool, a: int, b: int, t: bool, o: Optional[int]):
  for i in range(a):
    b = a
    a = a
  while c:
    a = a
    o = o
    if b > 3: return a
    t = t
    c = t
  for i in range(b):
    a, b = b, a
    c, t = t, c
    if c: break
  return b

def f(n: int):
  for a in (1, 2):
    n += a
    break
  for a in (1, 2):
    continue
  for i in range(n):
    for a in (1, 2):
      if n > a: break
      if n < a: return a
    else_ = 1
  return n

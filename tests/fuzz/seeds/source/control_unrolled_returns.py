def f(n: int):
  for a in (1, 2):
    if n > a: return 1
  for a in (1, 2):
    return a
  return 3

def f():
  a = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
  return [a for b in a for c in a for d in a for e in a]

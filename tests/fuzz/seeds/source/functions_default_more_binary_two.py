def f(a: complex = 1 + 2 + 2j):
  return a

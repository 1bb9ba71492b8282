def f(a: complex = nope + 2j):
  return a

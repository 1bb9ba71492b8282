def f(a: complex = "a" + 2j):
  return a

def f(a: complex = -(1+2j)):
  return a

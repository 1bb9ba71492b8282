def f(a: int, b: float, x: Tensor):
  c = 1 < a < 3 < b < 9
  d = a < b == 2 != a in [1, 2]
  e = x < x < x
  return c, d, e, x is not None is False

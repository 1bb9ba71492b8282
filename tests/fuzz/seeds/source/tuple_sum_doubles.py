def f(x: int):
  t = (x, x)
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  t = t + t
  return t

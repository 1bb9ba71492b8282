def f(x: int):
  if x > 1:
    g = zip
    h = f
    r = range
  else:
    g = enumerate
    h = f
    r = range
  for i in r(2):
    g = zip
  return h

def f():
  a = dict()
  b = list()
  c = dict([])
  return a

def f():
  for i, j in enumerate((1, 2), "a"): pass

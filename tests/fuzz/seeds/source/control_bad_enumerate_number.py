def f():
  for i, j in enumerate(5): pass

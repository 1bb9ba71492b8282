def f():
  for c in f: print(c)

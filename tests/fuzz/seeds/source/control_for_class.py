class C: pass
def f():
  for c in C: print(c)

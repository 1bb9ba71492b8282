class C:
  def g(self): return 1
def f(c: C): return len(c)

class C:
  def h(self): return 1
def f(c: C): return c.h(1)

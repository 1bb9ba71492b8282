class C:
  def g(self, a: int): return a
  def h(self): return 1
def f(c: C): return c.g(1, 2, 3)

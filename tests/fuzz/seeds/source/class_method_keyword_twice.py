class C:
  def h(self, a: int): return 1
def f(c: C): return c.h(1, self=c)

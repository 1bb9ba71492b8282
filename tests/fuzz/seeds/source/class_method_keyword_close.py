class C:
  def h(self, value: int): return 1
def f(c: C): return c.h(valeu=1)

def f(c: C): return c.g(1)
class C:
  def g(self, n: int): return self.h(n)
  def h(self, n: int): return n + nope

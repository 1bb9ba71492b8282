def f(c: C): return c.p
class C:
  @property
  def p(self): return nope

class C:
  def __init__(self): self.n = 1
  def g(self): return 1
  @staticmethod
  def s(): return 2
def f(c: C):
  a = c.g
  b = C.s
  d = C.g
  return a(), b(), d(c), C.g(c), c.s()

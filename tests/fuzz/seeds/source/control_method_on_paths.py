class C:
  def g(self): return 1
def f(c: C, b: bool):
  if b: m = c.g
  else: raise ValueError("a")
  return m()

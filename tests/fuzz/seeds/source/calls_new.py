class C:
  def __init__(self): self.n = 1
def f():
  c = C.__new__(C)
  d = C.__new__()
  return c.n, d

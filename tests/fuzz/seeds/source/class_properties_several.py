class C:
  def __init__(self): self.n = 1
  @property
  def a(self) -> int: return self.n
  @property
  def b(self) -> int: return self.n
  @b.setter
  def b(self, v: int): self.n = v
  @a.setter
  def a(self, v: int) -> None: self.n = v
def f(c: C):
  c.a = 2
  c.b += c.a
  return c.a, c.c

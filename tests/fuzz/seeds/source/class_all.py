class A:
  n: int
  s: Final[str] = "a"
  k = 3
  l: List[int]
  def __init__(self, n: int, m: float = 1.5):
    """doc"""
    self.n = n
    self.m = m
    self.l = []
    if n > 1:
      self.n = 2
  def get(self, i: int = 0) -> int:
    return self.n + self.k + len(self.s) + self.other(i)
  def other(self, i: int):
    return i
  @staticmethod
  def make(n: int):
    return A(n)
  @property
  def p(self) -> int:
    return self.n
  @p.setter
  def p(self, v: int):
    self.n = v
  @torch.jit.unused
  def u(self):
    pass
def f(a: A):
  a.p = 4
  a.p += 1
  a.n += 1
  a.l[0] += 1
  b = A.make(2)
  return a.get(1) + b.p + A(1, m=2.5).get() + a.k + A.k + a.make(1).n

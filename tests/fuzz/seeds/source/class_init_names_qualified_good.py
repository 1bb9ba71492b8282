class C:
  def __init__(self):
    self.n = g(1)
    self.e = __torch__.E.A
    self.p = __torch__.P(1)
def g(x: int): return D().n + x
class D:
  def __init__(self): self.n = 1
class E(Enum):
  A = 1
class P(NamedTuple):
  a: int
def f(): return C().e, __torch__.D(), C().p.a

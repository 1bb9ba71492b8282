class E(Enum):
  A = 1
  B = 2
  def m(self): pass
class S(enum.Enum):
  X = "x"
class I(IntEnum):
  P = 1
class G(Enum):
  T = 1.5
def f(e: E, n: int = 1, d: E = E.B):
  l = [E.A, e]
  for v in E: print(v.name, v.value)
  a = E["A"]
  if e == E.A or e is E.B or e != a: print(e.value)
  return S.X.value, I.P, l[0].name, G.T.value, len([x for x in E]), {"a": e}

class P(NamedTuple):
  x: int
  y: float = 1
  z: Optional[str] = None
class Q(NamedTuple):
  __annotations__["p"] = P
  def m(self): pass
def f(p: P, q: Q) -> P:
  a, b, c = p
  r = P(1, z="a")
  t: Tuple[int, float, Optional[str]] = p
  for v in p: print(v)
  print(p.x, p[1], p[1:], q.p.y, hasattr(p, "x"), hasattr(p, "w"), len(p), r.x)
  return P(x=1, y=2.5, z=None)

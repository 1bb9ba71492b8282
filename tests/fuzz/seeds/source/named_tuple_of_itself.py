class P(NamedTuple):
  a: Optional[P]
  b: int
def f(p: P):
  return p.b

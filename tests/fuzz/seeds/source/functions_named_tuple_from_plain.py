class P(NamedTuple):
  a: float
  b: int
def k(p: P): return p
def f(): return k((1., 2))

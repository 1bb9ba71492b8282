class P(NamedTuple):
  _a: int
  self: int = 1
def f(): return P(1)

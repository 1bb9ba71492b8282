class P(NamedTuple):
  __annotations__["a b"] = int
def f(p: P): return p

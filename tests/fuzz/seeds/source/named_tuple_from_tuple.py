class P(NamedTuple):
  x: int
def f() -> P:
  return (1,)

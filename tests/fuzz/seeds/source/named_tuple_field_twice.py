class P(NamedTuple):
  a: int
  a: int

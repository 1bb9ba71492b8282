class P(NamedTuple):
  x: "P"

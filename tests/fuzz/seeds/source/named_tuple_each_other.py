class P(NamedTuple):
  x: "Q"
class Q(NamedTuple):
  y: P

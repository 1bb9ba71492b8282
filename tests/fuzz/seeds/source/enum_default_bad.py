class E(Enum):
  A = 1
def f(e: E = E.Q):
  return e

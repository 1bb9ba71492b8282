class E(StrEnum):
  A = 'a'
class F(IntEnum):
  B = 2
def f(e: E, g: F):
  return e.value + g.name

class C:
  a: Final[int] = E.A
class E(Enum):
  A = [1]

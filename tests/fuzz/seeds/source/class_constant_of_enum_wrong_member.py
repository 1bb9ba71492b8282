class E(Enum):
  A = 1
class C:
  a = E.Z

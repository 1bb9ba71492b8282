class E(Enum):
  A = 1
  B = 2
  C = 3
  C = 8

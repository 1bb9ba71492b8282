class E(Enum):
  A = 1
  B = 2
  C = 3
  D = 4
  F = 5
  A = 8

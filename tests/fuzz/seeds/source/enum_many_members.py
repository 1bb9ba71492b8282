class E(Enum):
  A = 1
  B = 2
  C = 3
  D = 4
  F = 5
  G = 6
  H = 7
  I = 8
  C = 9

class E(Enum):
  A = 1
  B = "x"

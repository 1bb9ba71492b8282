class E(Enum):
  A = 1
def f():
  return E(1)

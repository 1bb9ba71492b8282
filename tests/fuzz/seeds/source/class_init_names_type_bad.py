class C:
  def __init__(self):
    self.n = E.A
class E(Enum):
  A = [1]

class C:
  def __init__(self):
    self.n = __torch__.E
class E(Enum):
  A = [1]

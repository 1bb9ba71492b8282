class B:
  __annotations__["n"] = int
  __annotations__["m.x"] = List[int]
  def __init__(self):
    self.n = 1

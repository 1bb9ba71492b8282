class C:
  def __init__(self):
    self.n = __torch__.g(1)
def g(x: Strange): return 1

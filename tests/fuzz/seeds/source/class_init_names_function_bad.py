class C:
  def __init__(self):
    self.n = g(1)
def g(x: Strange): return 1

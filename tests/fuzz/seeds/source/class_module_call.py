class M(Module):
  m: int
  def g(self, x: int): return self(x)

class L(Module):
  n: int
class M(Module):
  l: L
  def forward(self): return self.l[7]

class L(Module):
  n: int
class M(Module):
  l: L
  def forward(self, i: int): return self.l(i)

class B(Module):
  def forward(self, x: int): return x
class M(Module):
  b: B
  def forward(self, x: int):
    return self.b[x]

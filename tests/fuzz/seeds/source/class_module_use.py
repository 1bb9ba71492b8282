class B(Module):
  n: int
  def forward(self, x: int): return x + self.n
class L(Module):
  __annotations__["0"] = B
  __annotations__["1"] = B
class M(Module):
  l: L
  b: B
  def forward(self, x: int):
    for m in self.l: x = m(x)
    x = self.b(x) + self.b.forward(x) + self.l[0](x) + self.l.1(x) + getattr(self.l, "0")(x)
    for i, m in enumerate(self.l): x = m(x)
    return x + len([m(1) for m in self.l])

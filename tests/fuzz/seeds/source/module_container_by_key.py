@torch.jit.interface
class I(Module):
  def forward(self, x: int) -> int: pass
class B(Module):
  def forward(self, x: int) -> int: return x
class L(Module):
  __annotations__["0"] = B
  a: B
  n: int
class M(Module):
  l: L
  def forward(self, i: int, s: str):
    m: I = self.l[s]
    k: Optional[I] = None
    k = self.l["a"]
    for j in self.l: i = j.forward(i)
    for j, q in enumerate(self.l): i += q(j)
    return m.forward(i) + self.l[0](i) + self.l["a"].forward(i) + len(self.l)

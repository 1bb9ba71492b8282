@torch.jit.interface
class I(Module):
  def forward(self, x: int) -> int: pass
class B(Module):
  def forward(self, x: int) -> int: return x
class L(Module):
  __annotations__["0"] = B
class M(Module):
  l: L
  def forward(self, i: int):
    m: I = self.l[i]
    return m.forward(i)

@torch.jit.interface
class I(Module):
  def forward(self, x: int) -> int: pass
class L(Module):
  n: int
class M(Module):
  l: L
  def forward(self, i: float):
    m: I = self.l[i]
    return m

class I(Interface):
  def f(self) -> int:
    pass
class M(ModuleInterface):
  def forward(self, x: Tensor) -> Tensor:
    pass
@torch.jit.interface
class N(torch.nn.Module):
  def forward(self, x: Tensor) -> Tensor:
    pass
def g(m: M, n: N, i: I):
  return n.forward(m.forward(torch.zeros([i.f()])))

@torch.jit.interface
class I:
  def m(self, x: int) -> int: pass
  def n(self): pass
class J(Interface):
  def m(self, x: int) -> int: pass
class K(ModuleInterface):
  def forward(self, x: int) -> int: pass
@torch.jit.interface
class L(torch.nn.Module):
  def forward(self, x: int) -> int: pass
class A:
  def m(self, x: int) -> int: return x
  def n(self): pass
class M(Module):
  k: K
  def forward(self, x: int): return self.k.forward(x) + self.k(x)
def g(i: I): return i.m(1)
def f(i: I, j: J):
  i.n()
  a: I = A()
  return i.m(1) + j.m(x=2) + g(a) + g(A()), hasattr(i, "m")

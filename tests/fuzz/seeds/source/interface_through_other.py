@torch.jit.interface
class B:
  def g(self, x: A) -> int: pass
@torch.jit.interface
class A:
  def f(self, b: B) -> int: pass

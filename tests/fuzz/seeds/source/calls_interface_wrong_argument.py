@torch.jit.interface
class I:
  def g(self, n: int) -> int: pass
def f(i: I): return i.g("a")

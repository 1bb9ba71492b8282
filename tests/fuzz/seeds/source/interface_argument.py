@torch.jit.interface
class I:
  def m(self): pass
def f(i: I): return i.m(1)

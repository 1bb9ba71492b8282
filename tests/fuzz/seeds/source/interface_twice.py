@torch.jit.interface
class I:
  def m(self): pass
  def m(self): pass

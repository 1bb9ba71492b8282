@torch.jit.interface
class I:
  def m(self, i: "I"): pass

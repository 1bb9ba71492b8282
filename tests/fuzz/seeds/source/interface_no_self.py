@torch.jit.interface
class I:
  def m(): pass

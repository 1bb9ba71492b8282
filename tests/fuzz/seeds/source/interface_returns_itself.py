@torch.jit.interface
class I:
  def m(self) -> "Optional[I]": pass

@torch.jit.script
class B:
  @torch.jit.export
  @a.b(1)
  def m(self): pass

class M(Module):
  __parameters__ = ["w"]
  w: int

class M(Module):
  __buffers__ = ["w"]
  w: int

@torch.jit.interface
class I:
  def g(self, x: int):
    pass
  def h(self, x: int) -> None:
    pass
class A:
  def g(self, x: int):
    return x
  def h(self, x: int) -> None:
    pass
def f(i: I):
  i.h(1)
  return i.g(1)

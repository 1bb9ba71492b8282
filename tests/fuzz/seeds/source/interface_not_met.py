@torch.jit.interface
class I:
  def m(self): pass
class A:
  def n(self): pass
def f():
  i: I = A()

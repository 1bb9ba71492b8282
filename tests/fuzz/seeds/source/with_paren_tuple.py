class C:
  def __init__(self, n: int):
    self.n = n
  def __enter__(self):
    self.n += 1
    return self.n
  def __exit__(self, a: Any, b: Any, c: Any):
    self.n -= 1
class D:
  def g(self): pass
class E:
  def __enter__(self): pass
def f():
  with (C(1), C(2)):
    pass

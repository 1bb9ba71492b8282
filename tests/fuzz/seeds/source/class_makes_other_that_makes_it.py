class A:
  def __init__(self):
    self.b = B()
class B:
  def __init__(self):
    self.a = A()

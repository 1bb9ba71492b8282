class A:
  def __init__(self):
    self.v = 1
  @property
  def p(self):
    return zz
  @p.setter
  def p(self, v):
    self.zz = v

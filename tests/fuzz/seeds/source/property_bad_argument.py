class A:
  @property
  def p(self, a: Nope):
    return 1
  @p.setter
  def p(self, v: int) -> Nope:
    self.v = v

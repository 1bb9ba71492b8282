class A:
  @property
  def p(self) -> int:
    return 1
  @p.setter
  def p(self, v: int):
    pass
  @p.setter
  def p(self, v: int):
    pass

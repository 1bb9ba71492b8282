class A:
  @p.setter
  def p(self, v: int):
    pass

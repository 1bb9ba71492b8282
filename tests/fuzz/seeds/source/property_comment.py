class A:
  @property
  def p(self):
    # type: () -> Nope
    return 1
  @p.setter
  def p(self, v):
    # type: (int, int) -> None
    self.v = v

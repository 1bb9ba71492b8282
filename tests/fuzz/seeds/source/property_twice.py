class A:
  @property
  def p(self):
    return 1
  @property
  def p(self):
    return 2

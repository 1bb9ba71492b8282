class A:
  @property
  def p(self):
    return 1
  @p.getter
  def p(self):
    return 2
  @p.deleter
  def p(self):
    pass

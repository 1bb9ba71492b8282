class A:
  def __p_getter(self):
    return 1
  @property
  def p(self):
    return 2

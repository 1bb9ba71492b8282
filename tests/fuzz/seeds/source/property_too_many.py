class A:
  @property
  def p(self, *, b=1, **k):
    return 1

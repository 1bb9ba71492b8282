class A:
  @property
  def p(self) -> Nope:
    return 1

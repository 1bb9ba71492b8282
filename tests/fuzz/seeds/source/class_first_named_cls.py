class A:
  def g(cls, x):
    # type: (int) -> int
    return x

class A:
  def g(cls, x):
    # type: (A, int) -> int
    return x

class A:
  def m(self, x: int) -> int:
    return x
  @staticmethod
  def s(x: int) -> int:
    return x
def f(a: A):
  A.s(1)
  A.m(a, 1)
  return A.m()

class A:
  @staticmethod
  def s(self: int, x: int) -> int:
    return x
def f(a: A):
  return a.s(1)

class A:
  n: int
  def __init__(self, n: int):
    self.n = n
  def m(self):
    return 1
  @property
  def r(self) -> int:
    return 2
  @staticmethod
  def st():
    return 3
  c: Final[int] = 5
def f(a: A):
  return A.st() + a.st()

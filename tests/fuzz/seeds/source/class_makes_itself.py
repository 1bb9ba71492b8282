class A:
  def __init__(self, n: int):
    self.n = n
    if n > 0:
      self.m = A(n - 1).n
    else:
      self.m = 0

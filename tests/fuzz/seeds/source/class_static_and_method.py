class C:
  def g(self): return 1
  @staticmethod
  def g(): return 2

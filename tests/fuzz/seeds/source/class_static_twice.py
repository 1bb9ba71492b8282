class C:
  @staticmethod
  def g(): return 1
  @staticmethod
  def g(): return 2

class T:
  def __init__(self): self.n = 1
class L:
  def __gt__(self, b: int) -> bool: return True
  def __lt__(self, b: int) -> T: return T()
def f(a: L):
  return a > 1 and (a == a) and a < 1
def g(a: L, b: L):
  return 1 == 1 in [1] and a > 1 < 2

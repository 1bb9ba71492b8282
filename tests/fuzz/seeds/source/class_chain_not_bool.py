class T:
  def __init__(self): self.n = 1
class L:
  def __lt__(self, b: int) -> T: return T()
def f(a: L):
  return a < 1 < 2

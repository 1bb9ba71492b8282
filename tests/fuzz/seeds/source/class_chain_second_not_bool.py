class T:
  def __init__(self): self.n = 1
class L:
  def __lt__(self, b: L) -> T: return T()
class K:
  def __lt__(self, b: L) -> bool: return True
def f(k: K, a: L, b: L): return k < a < b

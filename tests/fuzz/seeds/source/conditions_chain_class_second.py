class L:
  def __init__(self): self.n = 1
  def __gt__(self, b: int) -> str: return ""
  def __lt__(self, b: int) -> bool: return True
def f(a: L):
  return 1 < a < 2

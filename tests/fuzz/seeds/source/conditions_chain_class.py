class L:
  def __lt__(self, b: int) -> str: return ""
def f(a: L):
  return a < 1 < 2

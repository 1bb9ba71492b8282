class C:
  def __init__(self, n: int): self.n = n
  def __lt__(self, b: C) -> bool: return self.n < b.n
class D:
  def __init__(self, n: int): self.n = n
def f(l: List[C], m: List[Tuple[int, str]]):
  l.sort()
  m.sort()
  return sorted(l), sorted(m), min(m), sorted([D(1)])

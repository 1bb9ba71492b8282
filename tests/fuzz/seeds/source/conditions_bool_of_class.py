class B:
  def __init__(self): self.n = 1
  def __bool__(self) -> bool: return self.n > 0
  def __len__(self) -> int: return self.n
class S:
  def __bool__(self) -> int: return 1
def f(b: B, s: str, l: List[int], d: Dict[str, int], n: number, x: Tensor):
  if b: print(1)
  if not b and s and l or d and n and x: print(2)
  while b and not l: print(bool(b), len(b))
  return bool(s), bool(l), bool(n)
def g(s: S):
  if s: print(1)

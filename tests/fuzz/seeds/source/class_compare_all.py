class C:
  def __init__(self, n: int): self.n = n
  def __lt__(self, b: C) -> bool: return self.n < b.n
  def __le__(self, b: C) -> bool: return True
  def __gt__(self, b: C) -> bool: return True
  def __ge__(self, b: C) -> bool: return True
  def __sub__(self, b: int) -> C: return C(self.n - b)
  def __mul__(self, b: float) -> Tensor: return torch.zeros(1)
  def __truediv__(self, b: C) -> float: return 1.
  def __floordiv__(self, b: C) -> int: return 1
  def __mod__(self, b: str) -> str: return b
  def __pow__(self, b: int) -> C: return self
  def __and__(self, b: int) -> C: return self
  def __or__(self, b: int) -> C: return self
  def __xor__(self, b: int) -> C: return self
  def __lshift__(self, b: int) -> C: return self
  def __rshift__(self, b: int) -> C: return self
  def __invert__(self) -> C: return self
  def __pos__(self) -> C: return self
  def __contains__(self, b: int) -> bool: return True
def f(a: C, b: C): return a < b <= a > b >= a, a - 1, a * 2., a / b, a // b, a % "c", a ** 2, a & 1, a | 2, a ^ 3, a << 1, a >> 1, ~a, 1 in a, 1 not in a, [a, b], sorted([a, b]), +a

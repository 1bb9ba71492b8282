@torch.jit.interface
class I:
  def g(self, n: int, *, k: int = 2): pass
  def __call__(self, x: int) -> str: pass
  def h(self, l: List[int] = [1]) -> Tuple[int, str]: pass
class A:
  def g(self, n: int, *, k: int = 2) -> None: pass
  def __call__(self, x: int) -> str: return ""
  def h(self, l: List[int] = [1]) -> Tuple[int, str]: return 1, ""
def k(i: I): return i.g(1), i(2), i.h([2]), i.g(1, k=3)
def f(a: A, b: bool, i: I):
  j: I = a
  l: List[I] = [a, i]
  if b: i = a
  return k(a), l[0](1), j.h()

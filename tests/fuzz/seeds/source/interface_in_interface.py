@torch.jit.interface
class B:
  def g(self, x: List[int]) -> Optional[Dict[str, int]]: pass
@torch.jit.interface
class A:
  def f(self, b: B, l: List[B]) -> Tuple[B, int]: pass
  def h(self, a: int) -> B: pass
class C:
  def g(self, x: List[int]) -> Optional[Dict[str, int]]: return None
def f(a: A, c: C):
  b = a.h(1)
  return b.g([1]), a.f(c, [b])

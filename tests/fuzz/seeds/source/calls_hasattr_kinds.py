class E(Enum):
  A = 1
class C:
  k: Final[int] = 3
  def __init__(self): self.n = 1
  def g(self): return 1
  @property
  def p(self) -> int: return 1
class P(NamedTuple):
  a: int
@torch.jit.interface
class I:
  def g(self) -> int: pass
def f(c: C, p: P, i: I, e: E, x: Tensor, o: Optional[C], l: List[int]):
  print(hasattr(C, "g"), hasattr(C, "k"), hasattr(C, "z"), hasattr(E, "A"), hasattr(E, "B"), hasattr(Tensor, "abs"))
  print(hasattr(p, "a"), hasattr(p, "b"), hasattr(i, "g"), hasattr(i, "h"), hasattr(c, "p"), hasattr(c, "k"), hasattr(o, "n"))
  print(hasattr(x, "shape"), hasattr(x, "abs"), hasattr(x, "zzz"), hasattr(l, "append"), hasattr(torch, "abs"), hasattr(f, "a"), hasattr((1, 2), "a"))
  if hasattr(c, "zz"): return c.zz
  return getattr(c, "n", 1), getattr(c, "q", 2), getattr(C, "k"), E["A"], e.name, e.value

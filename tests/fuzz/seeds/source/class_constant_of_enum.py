class E(Enum):
  A = 1
  B = 2
class C:
  a = E.B
  b: Final[E] = E.A
  c = [E.A, E.B]
  d = {"a": E.A}
  e = (1, "a", [True], [1j], [2.5], None)
  g = float("inf")
  h = [float("nan"), -1.]
  i = torch.device("cpu")
  j = torch.float32
  k = {1: [1, 2], 2: [3]}
  l = annotate(List[List[int]], [[], [1]])
def f(c: C): return c.a, c.b, c.c, c.d, c.e, c.g, c.h, c.i, c.j, c.k, c.l, C.a

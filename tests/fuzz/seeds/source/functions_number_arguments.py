def g(a: float, b: int, c: complex): return a
def h(t: Tuple[float, int], u: Tuple[List[int], Dict[str, int]], v: List[int], w: Tuple[number, Device]): return t
class P(NamedTuple):
  a: float
  b: int
def k(p: P): return p
def f(n: number, x: Tensor, b: bool, t: Tuple[int, int], o: Optional[int], s: str):
  g(n, n, n)
  g(x, x, x)
  g(b, b, 1j)
  h((x, b), ([], {}), (1, 2), (b, s))
  h((n, n), ([], {}), t, (x, "cpu"))
  q: Optional[Tuple[float, int]] = (x, x)
  r: Tuple[List[float], Optional[float]] = ([], x)
  return h((b, x), ([], {}), t, (1, s))

class E(Enum):
  A = 1
  B = 2
class P(NamedTuple):
  a: int
  b: float = 2.0
def g(a: int, d: Dict[str, int] = {"a": 1}, t: Tuple[int, str] = (1, "b"), e: E = E.B, l: List[float] = [1., 2.], o: Optional[List[int]] = [3], b: List[bool] = [True, False], c: List[complex] = [1j, 2], x: List[Tensor] = [], s: List[str] = ["a"], v: Device = "cpu", w: Optional[Device] = "cuda:1", *, k: float = 1, z: complex = 2.5, i: int = True, y: float = True, q: complex = 3):
  return a
def f():
  p = P(1)
  return g(1), g(2, {}), g(3, l=[]), g(4, k=2.), p, g(5, t=(2, "c"), b=[])

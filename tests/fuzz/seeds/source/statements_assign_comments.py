def f(x: Tensor, t: Tuple[int, int], l: List[int], d: Dict[str, float]):
  a, b = t  # type: int, int
  c = []  # type: List[str]
  (p, q) = (1, None)  # type: Tuple[int, Optional[str]]
  x.grad = None
  l[0]: int = 3
  d["a"]: float = 1
  return a, b, c, p, q

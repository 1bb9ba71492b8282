def f(x: Tensor, l: List[int], d: Dict[str, float]):
  c = []  # type: List[str]
  (p, q) = (1, None)  # type: Tuple[int, Optional[str]]
  l[0]: int = 3
  d["a"]: float = 1
  x.grad: Tensor = x
  return c, p, q

def f(d: Dict[str, int], l: List[Tuple[str, int]]):
  a = dict({}, b=torch.zeros(1))
  b = dict(d, c=2, e=3)
  c = dict(l)
  e: Dict[int, str] = dict()
  g: Dict[int, List[int]] = dict({})
  h = dict(a=[1], b=[2])
  i: Dict[str, List[float]] = {"a": [], "b": [1.]}
  return a, b, c, e, g, h, dict()

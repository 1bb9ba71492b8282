def f(l: List[int], x: Tensor, c: bool, o: Optional[int], t: Tuple[int, int], s: str):
  a: Optional[List[float]] = [float(i) for i in l]
  b: Dict[str, List[int]] = {str(i): [] for i in l}
  d = [i for i in l if False]
  e = [i for i in l if True if isinstance(i, int) if i > 1 if not c]
  g = {i: i for i in () }
  h = [i for i in ()]
  k = [i + j for i in t for j in (1, 2) if j != i]
  m = [(i, j) for i, j in zip(l, l)] + [(p, q) for p, q in enumerate(l)]
  n = [[u for u in range(v)] for v in l]
  p = {q: r for q, r in zip(s, l) if o is not None and r > o}
  w = [y.abs() for y in x]
  z = [i for i in l if o is not None]
  return a, b, d, e, g, h, k, m, n, p, w, z

def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  a = [i for i in l]
  c = [i + j for i in l for j in range(i) if i > j if j]
  e = {k: v for k, v in d.items()}
  g = {i: s for i in range(3) if i}
  h: List[float] = [1.5 for i in l]
  j2: Dict[int, str] = {i: "a" for i in l}
  k2 = [i for i in (1, 2)]
  m = [q for q in (1, 2) if True]
  return a, c, e, g, h, j2, k2, m, [i for i in s], [[i for i in l] for j in l], [n for n in s], [i for i, c2 in enumerate(l)], [i for i in ()]

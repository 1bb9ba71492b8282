def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  a = (1,) + (2, "a")
  c = p + (3,)
  e = p + p
  return (), (1,), a[0], a[-1], a[1:], a[::-1], a[:2], c[2], p[0], (1, 2, 3)[n], [*a][0] if False else 1, (*a, 4), (1, 2)[-2:None]

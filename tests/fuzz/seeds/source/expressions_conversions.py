def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  a: float = x
  c: int = x
  e: complex = x
  g: bool = b
  h: torch.device = "cpu"
  i: List[int] = (1, 2)
  j: Tuple[float, List[int]] = (x, [])
  k: Optional[float] = x
  m: number = x
  q: Any = n
  r: number = n
  return a, c, e, g, h, i, j, k, m, q, r

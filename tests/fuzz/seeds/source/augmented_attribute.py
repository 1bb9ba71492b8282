def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int]):
  s.q += 1

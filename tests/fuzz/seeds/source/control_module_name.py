def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int]):
  g = torch
  if b:
    g = math
  return g

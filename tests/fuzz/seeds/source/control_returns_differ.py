def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int]):
  if b: return 1
  return "a"

def f(x: Tensor, n: int, t: float, l: List[int], p: Tuple[int, int]):
  if t and n: return 1
  return 2

def f(x: Tensor, n: int, t: float, l: List[int], p: Tuple[int, int]):
  while p: pass

def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int]):
  while True:
    n += 1
    if n > 3: break

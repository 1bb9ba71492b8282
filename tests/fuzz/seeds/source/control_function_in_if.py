def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int]):
  if b:
    def g(): return 1
  else:
    def g(): return 2
  return g()

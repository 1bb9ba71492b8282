def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int]):
  for i in l:
    def g():
      break
    g()

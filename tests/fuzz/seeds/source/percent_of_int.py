def f(x: int, y: List[str]):
  return y.percentFormat(1)

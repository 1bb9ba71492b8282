def f(x: int, l: List[int]):
  return f"""{x!r}"""

def f(x: int, l: List[int]):
  return f"""{lambda: 1}"""

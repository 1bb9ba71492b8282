def f():
  a: List[int] = {}

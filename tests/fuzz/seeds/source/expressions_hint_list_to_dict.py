def f():
  a: Dict[str, int] = []

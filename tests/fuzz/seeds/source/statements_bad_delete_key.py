def f(d: Dict[str, int]):
  del d[nope]

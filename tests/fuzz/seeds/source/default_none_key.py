def f(d: Dict[Any, int] = {None: 1}):
  return d

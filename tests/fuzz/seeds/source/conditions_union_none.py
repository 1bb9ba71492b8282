def f(u: Union[int, str, None], v: Union[int, float, str, None], w: Union[int, str], x: Union[str, int, None]):
  if u is None: return 0
  n = u
  if v is not None: print(v)
  if None is x: return 1
  if w is None: return 2
  m = x if x is not None else u
  assert v is not None and x is not None
  print(v, n, m)
  return 3

def f(o: Optional[int], p: Optional[int], c: bool):
  if o is not None: q = o
  else: q = 1
  if o is None: o = 2
  if c:
    if p is not None: print(p + 1)
    else: print(p)
  if p is None: return 1
  elif p > 2: r = p
  else: r = o
  return q + o + p + r

def f(o: Optional[int], q: Optional[int], u: Optional[int], v: Optional[int], w: Union[int, str, List[int]]):
  if o is None: return 0
  n = o + 1
  if q is not None and q > 1: n += q
  if q is None or q < 2: n += 1
  else: n += 3
  if not (q is None): n += q
  assert q is not None
  n += q
  while u is not None:
    n += u
    u = None
  m = 1 if v is None else v
  if isinstance(w, int): n += w
  elif isinstance(w, (str, list)): print(w)
  return n

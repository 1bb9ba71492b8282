def f(u: Union[int, str, List[int], None], v: Optional[int], a: Any):
  if isinstance(u, int) or isinstance(u, str): print(u)
  else: print(u)
  if not isinstance(u, int) and not isinstance(u, str): print(u)
  if u is None or isinstance(u, int): print(u)
  if v is None or (v > 1 and v < 3) or v == 7: print(v)
  if isinstance(a, int) or isinstance(a, int): print(a)
  if not (v is None or u is None): print(v + 1, u)
  return 1 if v is None or u is None else v

def f(c: bool, o: Optional[int], u: Union[int, str], l: List[int], x: Tensor):
  if c: u = 1
  else: u = "a"
  if c: o = None
  else: o = 2
  if c: v = 1
  else: v = "a"
  if c: w = [1]
  else: w = None
  if c: t = (1, [2])
  else: t = (2, l)
  if c: y = []
  else: y = [x]
  if c: z = 1
  else: z = 2.5
  return u, o, v, w, t, y, z

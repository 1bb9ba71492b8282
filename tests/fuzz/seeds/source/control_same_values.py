def f(c: bool, n: int, x: Tensor, m: int):
  if c: y = x
  else: y = x
  if c: n = m
  else: n = m
  if c: n = n
  if c: z = n; z = m
  else: z = m
  return y, n, z

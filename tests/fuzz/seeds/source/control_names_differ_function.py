def g(x: Tensor): return x
def h(x: Tensor): return x
def f(c: bool, x: Tensor):
  if c: p = g
  else: p = h
  return p(x)

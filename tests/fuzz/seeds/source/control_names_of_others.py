def g(x: Tensor): return x
def h(x: Tensor): return x + 1
class C: pass
class D: pass
def f(c: bool, x: Tensor):
  if c: k = g
  else: k = g
  if c: o = C
  else: o = C
  if c: p = torch.abs
  else: p = torch.abs
  if c: q = range(3)
  else: q = range(4)
  if c: r = torch
  else: raise ValueError("a")
  if c: s = zip([1], [2])
  else: s = zip([1], [2])
  o()
  return k(x), p(x), r.neg(x)

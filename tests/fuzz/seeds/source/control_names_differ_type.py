class C: pass
class D: pass
def f(c: bool):
  if c: p = C
  else: p = D
  return p()

def f(b: bool):
  if b:
    def g(): return 1
  else:
    raise ValueError()
  return g()

def f(n: int, c: bool):
  for i in (1, 2, 3):
    if c: break
    else: continue
  for i in (1, 2):
    if c: return 1
    else: break
  for i in (1, 2):
    if c: return 2
    elif n > 1: continue
    else: raise ValueError()
  return 3

def f(n: int, c: bool, o: Optional[int]):
  for i in range(n):
    for j in range(n):
      if c: break
      if j > 2: continue
      while c:
        if n > 3: return 1
        break
      if o is None: continue
      n += o
    if i > 3: break
  for i in (1, 2):
    if c: continue
    for j in (3, 4):
      if c: break
      elif n > j: return j
      elif n < j: continue
      if n > 5: return 7
  return n

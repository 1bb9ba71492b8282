def f(n: int, c: bool, t: Tuple[int, int, int]):
  for i in t:
    if c: continue
    if n > i: break
    for j in t:
      if n == j: return j
      if c:
        if n > 3: break
        else: continue
    n += 1
  for i in t:
    return i
  return n

def f(n: int, l: List[int], c: bool):
  if n == 1:
    if c: raise ValueError("a")
    else: n = 2
  elif n == 3:
    raise ValueError("b")
  for i in (1, 2, 3):
    if n == i: raise ValueError("c")
    elif n == 7: continue
    elif n == 8: break
  for i in (1, 2):
    raise ValueError("d")
  return n
def g(n: int, c: bool):
  while c:
    if n == 1:
      raise ValueError("a")
    elif n == 2: break
    else:
      if n == 3: return 1
      elif n == 4: continue
      n += 1
    with torch.no_grad(): n += 2
    if n == 5: return 2
  return n

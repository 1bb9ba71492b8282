def f(x: Tensor, n: int, s: str, l: List[int], d: Dict[str, int]):
  for i in range(n):
    if i == 2:
      continue
    elif i == 3:
      break
    else:
      n += i
  while n > 3:
    n -= 1
    if n == 7: return n
    if n == 5: break
  for c in s: print(c)
  for k in d: print(k, d[k])
  for row in x: print(row)
  for a, (i, c) in enumerate(zip(l, s)): n += a
  for i in reversed(range(3)): n += i
  for i, v in enumerate(l, 2): n += v
  return n

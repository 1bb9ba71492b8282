def f(n: int, t: float, s: str, l: List[int], p: Tuple[int, str]):
  for a in (1, 2, 3):
    if n > a: continue
    if n == a: break
    if n < 0: return a
    n += 1
  for i, c in enumerate(("a", 1)): print(i, c)
  for a, c in zip((1, 2), l): n += c
  for i, (u, v) in enumerate(zip((1, 2), (t, t)), start=n): print(i, u, v)
  for i, w in enumerate(l, start=n): print(i, w)
  for y in (1, 2): print(y)
  for a in (): n += 1
  for a in (1,): raise ValueError("a")
  return n

def f(l: List[int], d: Dict[str, int], x: Tensor, s: str):
  for (a,) in zip(l): print(a)
  for a, b in zip(d, x): print(a, b)
  for i, (a, b, c) in enumerate(zip(l, s, range(2, 9, 3)), 4): print(i, a, b, c)
  for i, (j, k) in enumerate(enumerate(l)): print(i, j, k)
  for a, (i, b) in zip(l, enumerate((1, "a"))): print(a, i, b)
  return [b for a, b in zip(d.items(), l)]

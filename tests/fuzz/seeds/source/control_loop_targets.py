class W:
  def __init__(self): self.n = 1
  def __enter__(self): return 1
  def __exit__(self, a: Any, b: Any, c: Any): pass
def f(n: int, l: List[int], x: Tensor, w: W):
  a = b = c = 1
  d = [1]
  for i in range(n):
    [a, b] = [i, 2]
    a, *d = l[0], 1, 2
    (a, [b, c]) = 1, (2, 3)
    a = b = c
    with w: c = 2
    with w as c, w: b += 1
    while c > 1:
      for j in l: c -= 1
    if a > 1: b = 1
    elif a > 2: c = 3
    else: d = [2]
    def g(): return 1
    x[0] += 1
  return a, b, c, d

class C:
  def __init__(self, n: int):
    self.n = n
  def __enter__(self):
    self.n += 1
    return self.n
  def __exit__(self, a: Any, b: Any, c: Any):
    self.n -= 1
def f(n: int):
  for i in range(n):
    with C(i) as m:
      if m > 3: return m
      if m == 2: continue
      if m == 1: break
      if m == 0: raise ValueError("a")
  with C(1):
    if n > 1: return 2
  return 3

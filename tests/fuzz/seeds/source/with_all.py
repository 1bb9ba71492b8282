class C:
  def __init__(self, n: int):
    self.n = n
  def __enter__(self):
    self.n += 1
    return self.n
  def __exit__(self, a: Any, b: Any, c: Any):
    self.n -= 1
def f(x: Tensor):
  c = C(1)
  with c as n, C(2) as (m):
    print(n)
  with (c as n, C(3),):
    print(n)
  with (c):
    pass
  with torch.no_grad(), torch.enable_grad():
    x = x + 1
  with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
    x = x @ x
  with torch.autograd.profiler.record_function("a") as r:
    with torch.no_grad():
      return x

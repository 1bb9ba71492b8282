def f(a, b: int, /, c: float = 1, *, e: str = "x", g: bool = True):
  return a
def h(a: int, *, b: int):
  return f(torch.ones(2), a, e="y") if a > b else f(torch.ones(2), a, c=2, g=False)
def k(): return h(1, b=2)

def g(a: int = "x") -> int:
  return a + 1
def f(n: int):
  return g() + n
def h(l: List[int] = None) -> int:
  return len(l)
def k(n: int):
  return h()

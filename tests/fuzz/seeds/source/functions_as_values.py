def g(x: int) -> int:
  return x
def f(n: int):
  h = g
  l = [g, g]
  return h(n) + l[0](n)

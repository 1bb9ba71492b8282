def g(t: Tuple[float, float]):
  return t
def f(a: Optional[int]):
  return g((1, None))

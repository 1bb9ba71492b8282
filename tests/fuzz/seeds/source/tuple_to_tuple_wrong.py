def g(t: Tuple[float, Optional[int]], u: Tuple[Tuple[float, float], List[int]]):
  return t
def f(a: Optional[int]):
  g((1, None), ((1, 2), []))
  g((1, a), ((1.0, 2), [1]))
  g((a, 1), ((1, 2), []))

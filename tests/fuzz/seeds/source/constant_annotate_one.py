def f(x: List[int] = annotate([])):
  return x

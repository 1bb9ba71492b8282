def f(a: List[int] = annotate(List[int], nope)):
  return a

def f(a: List[int] = annotate(Nope, [])):
  return a

def f(n: int):
  prim.RaiseException()

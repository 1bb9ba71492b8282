def f(s: str):
  prim.RaiseException(s)
  prim.RaiseException(s, "builtins.ValueError")

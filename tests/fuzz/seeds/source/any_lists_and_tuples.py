def f(a: Any, b: AnyListType, c: AnyTupleType):
  if isinstance(a, (tuple, list)): print(a)
  if isinstance(a, list): print(a)
  return b, c

def f(x: int):
  for i, a in enumerate(zip()):
    return 1
  return [b for b in zip()]

def f(x: int):
  for a in zip():
    return 1
  return 2

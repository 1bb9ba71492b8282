def f(x: int):
  return f'{x!a}'

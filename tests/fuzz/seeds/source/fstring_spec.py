def f(x: int):
  return f'{x:>3}'

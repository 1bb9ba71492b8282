def f(x: int):
  a = f'{x!s} {{}}'
  return f'{x!r}'

def f(x: int):
  for i in (1, 'a'):
    if x > 1:
      return 1
    else:
      raise ValueError('a')
  return 2

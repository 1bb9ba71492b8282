def f(x: int):
  for i in (1, 'a'):
    for j in (1, 2.5):
      if x > 1:
        return 1
      if x > 2:
        break
      if x > 3:
        continue
      raise ValueError('a')
  return 2

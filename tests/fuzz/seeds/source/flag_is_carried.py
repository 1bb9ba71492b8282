def f(x: bool, y: bool):
  for i in range(3):
    x = x
    y = x
    if x:
      return 1
  while y:
    y = y
    if y:
      break
    if not y:
      continue
    if y:
      return 3
  return 2

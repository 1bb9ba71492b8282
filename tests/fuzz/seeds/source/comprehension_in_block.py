def f(x: int, z: List[int]):
  y = z
  if x > 1:
    x = 2
    y = [x + i for i in z if x > i]
    while x < 5:
      x += 1
      z = [x for x in y]
      y = [x * j for j in z]
  return y

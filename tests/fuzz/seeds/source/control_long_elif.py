def f(n: int):
  if n == 0:
    m = 0
  elif n == 1:
    m = 1
  elif n == 2:
    m = 2
  elif n == 3:
    m = 3
  elif n == 4:
    m = 4
  elif n == 5:
    m = 5
  elif n == 6:
    m = 6
  elif n == 7:
    m = 7
  elif n == 8:
    m = 8
  elif n == 9:
    m = 9
  elif n == 10:
    m = 10
  elif n == 11:
    m = 11
  else:
    return 1
  return m

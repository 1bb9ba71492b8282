def f(n: int):
  while True:
    n += 1
    if n > 5:
      return n

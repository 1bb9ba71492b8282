def f(n: int, m: int):
  while m > 1:
    n += 1
    del m

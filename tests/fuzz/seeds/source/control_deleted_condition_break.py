def f(n: int, m: int):
  while m > 1:
    if n > 3: break
    n += 1
    del m

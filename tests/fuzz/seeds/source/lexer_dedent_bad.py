def f(x: int):
    if x > 1:
        y = 1
      z = 2
    return x

def f(x: Tensor):
  a = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
  for b in a:
    for c in a:
      for d in a:
        for e in a: x += e

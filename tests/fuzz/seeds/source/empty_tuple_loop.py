def f(p: Tuple[()]):
  for a in p: print(a)
  return 1

def f():
  return 1jj

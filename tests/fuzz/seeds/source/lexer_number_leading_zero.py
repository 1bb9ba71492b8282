def f():
  return 012

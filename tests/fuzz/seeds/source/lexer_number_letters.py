def f():
  return 1abc

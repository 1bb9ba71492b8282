def f():
  return "abc

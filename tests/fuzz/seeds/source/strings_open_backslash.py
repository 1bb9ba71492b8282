def f():
  return "abc\

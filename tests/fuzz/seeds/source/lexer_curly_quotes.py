def f():
  return “a”

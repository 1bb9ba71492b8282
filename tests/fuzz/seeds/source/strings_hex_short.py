def f():
  return "\x4"

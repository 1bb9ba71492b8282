def f():
  return "\u12"

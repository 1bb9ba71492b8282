def f():
  return "\U00110000"

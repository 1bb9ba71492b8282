def f():
  return "\U1234"

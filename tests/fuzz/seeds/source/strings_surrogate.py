def f():
  return "\ud800"

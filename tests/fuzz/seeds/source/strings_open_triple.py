def f():
  return """abc

def f():
  del nope[0]

def f():
  return 0x

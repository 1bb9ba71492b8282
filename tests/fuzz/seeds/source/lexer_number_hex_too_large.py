def f():
  return 0x8000000000000000

def f():
  return 0xfg

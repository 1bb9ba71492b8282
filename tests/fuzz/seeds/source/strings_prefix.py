def f():
  return ub"a"

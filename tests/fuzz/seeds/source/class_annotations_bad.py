class B:
  __annotations__[1] = int

def f(*a):
  # type: (*int) -> int
  return a

class C:
  a: int
  a = 2

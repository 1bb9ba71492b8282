class C:
  a: Final[int] = 1
  a: Final[int] = 2

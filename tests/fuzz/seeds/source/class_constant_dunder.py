class A:
  __c = 1
  __slots__ = ['a']
  b: int
  b = 2

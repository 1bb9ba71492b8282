class D:
  n = 1
class C:
  a = D.n

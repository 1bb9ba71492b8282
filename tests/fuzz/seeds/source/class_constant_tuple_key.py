class A:
  d = {(1, 2): 3}
def f(a: A):
  return a.d

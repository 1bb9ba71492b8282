class A:
  ...
class B:
  '''doc'''
  def f(self):
    return 1

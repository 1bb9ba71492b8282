class C:
  def __init__(self): self.l = [1]
def f(c: C):
  a, b = c

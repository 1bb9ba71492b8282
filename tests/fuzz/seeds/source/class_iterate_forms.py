class C:
  def __init__(self): self.l = [1]
  def __iter__(self): return self
  def __next__(self): return 1
def f(c: C): return [a for a in c]

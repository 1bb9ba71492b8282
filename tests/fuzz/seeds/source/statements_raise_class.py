class Wrong(Exception):
  def __init__(self, n: int): self.n = n
def f(): raise Wrong(1)

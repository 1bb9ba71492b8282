class B(Module):
  def forward(self, x: int): return x
def g():
  return B()

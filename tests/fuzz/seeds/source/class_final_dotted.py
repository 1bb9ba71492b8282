class A:
  n: torch.jit.Final[int]
  def __init__(self):
    self.n: torch.jit.Final[int] = 3

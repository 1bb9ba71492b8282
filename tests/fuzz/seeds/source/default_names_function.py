def f(x: int = f, y: int = torch.pi):
  return x

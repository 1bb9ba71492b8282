def f(x: int):
  if x > 1:
    g = torch.jit.fork
  else:
    g = torch.jit.wait
  return g(x)

def f(a: torch.device = torch.device(nope)):
  return a

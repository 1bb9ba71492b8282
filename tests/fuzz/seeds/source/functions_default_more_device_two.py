def f(a: torch.device = torch.device("cuda", 0)):
  return a

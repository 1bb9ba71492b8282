def f(a: Optional[torch.device] = "cuda:1"):
  return a

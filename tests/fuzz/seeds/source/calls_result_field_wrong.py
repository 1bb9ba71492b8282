def f(x: Tensor):
  return torch.max(x, 0).valves

def f(n: int, x: Tensor):
  g = torch.abs
  for i in range(n):
    g = torch.neg
    h = torch.abs
    x = h(g(x))
  return x

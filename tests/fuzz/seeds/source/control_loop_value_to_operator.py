def f(n: int, x: Tensor):
  for i in range(n):
    n = torch.neg

def f(x: int):
  print(*x)
  return torch.einsum(x, x)

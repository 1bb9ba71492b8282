def f(a: Optional[int] = torch.int64):
  return a

def f(x: Tensor, n: int, b: bool, o: Optional[int]):
  return torch.max_pool2d(x, n), torch.max_pool2d(x, 2, stride=n), torch.conv2d(x, x, None, 1, 0, 1), torch.conv2d(x, x, padding="same"), torch.avg_pool2d(x, [2, 2])

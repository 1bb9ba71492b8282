def f(x: Tensor, t: Tuple[int, int, int, int, int, int, int], u: Tuple[int, int, int, int, float]):
  return x.view(t), x.view((1, 2, 3, 4, 5, 6)), x.reshape(*t), x.permute(t), torch.zeros(t), torch.zeros(1, 2, 3), x.sum((0, 1)), x.expand(-1, x.size(0))

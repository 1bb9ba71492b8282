def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  return torch.add(x, x, alpha=2), torch.add(input=x, other=1), x.view(2, -1), x.view([2, 3]), x.sum(0, keepdim=True), x.permute(*(0, 1)), torch.cat([x, x]), torch.cat((x, x), dim=0), torch.max_pool2d(x, 2), torch.zeros(2, 3, dtype=torch.int64, device="cpu")

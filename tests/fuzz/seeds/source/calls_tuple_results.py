def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  a = torch.max(x, 0)
  values, indices = torch.max(x, 0)
  return a.values, a[1], a.indices, values, torch.svd(x).S

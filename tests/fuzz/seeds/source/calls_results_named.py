def f(x: Tensor, l: List[Tensor]):
  m = torch.max(x, 0)
  v, i = x.sort(dim=0)
  k = x.topk(2)
  q = torch.linalg.svd(x)
  return m.values + m.indices, m[0], k.values, q.S, torch.unique_consecutive(x), x.median(0).indices, x.min(dim=0)[1], hasattr(m, "values"), hasattr(m, "other")

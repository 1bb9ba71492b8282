def f(p: torch.classes.quantized.Conv2dPackedParamsBase, q: torch.classes.quantized.LinearPackedParamsBase, l: List[torch.classes.quantized.Conv3dPackedParamsBase]):
  a = p.stride()
  b = p.unpack()
  c = q.bias()
  d = l[0].transpose()
  return a, b[0], c, d, p.groups(), hasattr(p, "padding"), isinstance(p, int)

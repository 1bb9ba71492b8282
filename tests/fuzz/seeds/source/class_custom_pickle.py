def f(p: torch.classes.quantized.Conv2dPackedParamsBase, e: torch.classes.quantized.EmbeddingPackedParamsBase):
  s = p.__getstate__()
  print(e.bit_rate(), e.version())
  return torch.ops.quantized.conv2d(torch.zeros(1), p, 1.0, 0), s

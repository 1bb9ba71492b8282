def f(): return torch.classes.quantized.Conv2dPackedParamsBase(1)

def f(p: torch.classes.quantized.Conv2dPackedParamsBase): return p(1)

def f(x: Tensor, o: Optional[int]):
  a = torch.nn.functional.__interpolate(x, 2), torch.nn.functional.__interpolate(x, scale_factor=2.)
  b = torch.nn.functional.__interpolate(x, [2, 2], mode="bilinear", align_corners=False)
  c = torch.nn.functional.__interpolate(x, None, [2., 2.], "bicubic", True, False)
  d = torch.nn.functional.__upsample(x, [2]), torch.nn.functional.__upsample_nearest(x, 2), torch.nn.functional.__upsample_bilinear(x, (2, 2))
  return a, b, c, d, torch.nn.functional.__upsample(x, scale_factor=2)

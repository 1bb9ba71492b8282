def f(s: str, d: Device, n: int):
  a = torch.device("cpu")
  b = torch.device("cuda", 1)
  c = torch.device("strange:thing:3")
  e = torch.device(s)
  return a == b, c != d, d.index, d.type, torch.device("cuda:1"), torch.device(type=s, index=n)

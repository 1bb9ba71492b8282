def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[Tensor], p: Tuple[float, str]):
  x[0][l] = 2
  x[:, 1] = x
  x[x > 0] = 0
  x[..., 0] = n
  x[:, 1] = x
  x[0, x] = x
  x[..., b] = n
  x[:] = True
  x[None] = x
  x.data = x
  x.r0x1Fequires_grad = True
  return l[0]

def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  x[0] = 1
  x[:, 1] = x
  x[x > 0] = 2.5
  x[..., 0] = n
  x[0, x] = x
  x[:] = True
  l[0] = 1
  d["a"] = 2
  x[None] = x
  del l[0]; del d["a"]
  del n, t
  x.data = x
  x.requires_grad = True
  return x

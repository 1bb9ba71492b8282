def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  return x[0], x[-1], x[0, 1], x[:], x[1:], x[:, 1], x[::2], x[1:2:1], x[..., 0], x[0, ..., 1:], x[None], x[:, None, ...], x[x > 0], x[x, x], x[[0, 1]], x[(0, 1)], x[True], x[n], x[None, x], x[o:n], x[..., None], x[:n, l], s[0], s[1:], s[::-1], x[:1, x]

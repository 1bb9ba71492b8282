def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  a = torch.jit.fork(torch.add, x, 1)
  c = torch.jit.fork(x.add, 1)
  e = torch.jit._awaitable(torch.add, x, 1)
  g = torch.jit._awaitable_nowait(n)
  return torch.jit.wait(a), c.wait(), torch.jit._awaitable_wait(e), e.sum(), e + 1, torch.jit._awaitable_wait(g)

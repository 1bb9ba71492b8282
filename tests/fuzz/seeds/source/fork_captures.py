def f(n: int, x: Tensor, o: Optional[int], t: Tuple[int, int], l: List[int]):
  r = range(n + 1)
  z = zip(l, [1, 2], range(3))
  e = enumerate(l, n + 2)
  k = range(1, n, 2)
  def g():
    s = 0
    for i in r: s += i
    for a, b, c in z: s += a + b + c
    for i, v in e: s += i * v
    for i in k: s += n
    p, q = t
    return s + p + q + n
  a = torch.jit.fork(g)
  return torch.jit.wait(a), torch.jit.wait(torch.jit.fork(g))

def f(n: int, o: List[int]):
  m = n + 1
  def g():
    def h():
      o.append(m)
      return n + o[0]
    return torch.jit.wait(torch.jit.fork(h)) + m
  return torch.jit.wait(torch.jit.fork(g))

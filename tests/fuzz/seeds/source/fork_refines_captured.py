def f(o: Optional[int]):
  def g():
    s = 0
    if o is not None: s += o
    return s
  return torch.jit.wait(torch.jit.fork(g))

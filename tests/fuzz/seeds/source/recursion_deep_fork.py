def f():
  def g():
    return (1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int((1 if not int(torch.jit.wait(torch.jit.fork(g))) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)) else 0)
  return torch.jit.wait(torch.jit.fork(g))

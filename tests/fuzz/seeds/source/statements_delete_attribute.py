def f(x: Tensor):
  del x.grad

def f(x: Tensor):
  del x[0]

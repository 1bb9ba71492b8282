def f(x: Tensor): return x.view(("a", 2, 3))

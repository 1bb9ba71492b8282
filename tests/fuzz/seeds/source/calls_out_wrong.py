def f(x: Tensor): return torch.addmm(x, x, "a", beta=1, alpha=2, out=x)

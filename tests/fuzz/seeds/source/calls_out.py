def f(x: Tensor): return torch.addmm(x, x, x, beta=1, alpha=2, out=x), torch.abs(x, out=x), torch.cat([x], out=x)

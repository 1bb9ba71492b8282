def f(x: Tensor): return torch.addmm(x, x, x, beta=1, alpha=2, gamma=3, delta=4, eps=5, zeta=6)

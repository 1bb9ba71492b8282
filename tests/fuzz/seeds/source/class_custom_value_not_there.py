def f(): return torch.classes.nothing.Nope(1)

def f(): return (torch, 1) is None

def f(): return (torch, 1) * 2

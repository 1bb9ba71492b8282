def f(): return len(zip(1))

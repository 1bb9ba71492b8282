def f(): return reversed(5)

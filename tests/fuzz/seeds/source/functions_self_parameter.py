def g(self: int, b: int): return self
def f(): return g(1, 2), g(self=1, b=2), g(1)

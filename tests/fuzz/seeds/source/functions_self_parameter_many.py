def g(self: int, b: int): return self
def f(): return g(1, 2, 3)

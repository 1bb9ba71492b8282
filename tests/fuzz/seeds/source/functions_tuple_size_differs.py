def k(p: Tuple[float, int]): return p
def f(t: Tuple[int, int, int]): return k(t)

def k(p: Tuple[float, int]): return p
def f(t: Tuple[str, int]): return k(t)

def k(t: Tuple[Tuple[float, int], int]): return t
def f(t: Tuple[Tuple[str, int], int]): return k(t)

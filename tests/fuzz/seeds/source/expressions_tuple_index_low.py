def f(t: Tuple[int, str]): return t[-3]

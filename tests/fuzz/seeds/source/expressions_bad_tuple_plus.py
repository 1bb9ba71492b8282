def f(t: Tuple[int, int]): return (1, 2) + 3

def f(l: List[int]): return len(zip((1, 2), l))

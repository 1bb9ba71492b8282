def f(l: List[int]): return (1, 2) + l

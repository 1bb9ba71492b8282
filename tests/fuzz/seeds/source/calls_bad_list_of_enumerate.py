def f(l: List[int]): return list(enumerate(l, "a"))

def f(l: List[int]): return len(enumerate(l))

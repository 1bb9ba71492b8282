def f(s: str): return s.format(a=1)

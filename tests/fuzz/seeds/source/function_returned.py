def f(b: bool): return f if b else 1

def f(d: Dict[str, int]): return dict(d, c="a")

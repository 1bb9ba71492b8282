def f(l: List[int]): l.extend(["a"])

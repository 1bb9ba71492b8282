def f(l: List[int]): l.append("a")

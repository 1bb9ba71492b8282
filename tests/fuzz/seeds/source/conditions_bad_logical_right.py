def f(o: Optional[int], c: bool): return c and o is None or o + 1 > 2 and (1).zz

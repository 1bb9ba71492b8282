def f(ª: int, µ: int, ǉ: int, 字: int, ſ: int): return ª + µ + ǉ + 字 + ſ

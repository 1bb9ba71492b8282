def f(n: int): return (torch, torch)[n]

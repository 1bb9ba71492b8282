def f(s: str): print(s, sep="a")

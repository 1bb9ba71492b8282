def f(x: int):
        y = 1
	return y

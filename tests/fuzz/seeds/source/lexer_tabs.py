def f(x: int):
	if x > 1:
		return 1
	return 2

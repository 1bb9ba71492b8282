def f(t: Tuple[int, int], x: Tensor):
  a = [*t, 1, *(2, 3)]
  b = (*t, *"ab") if False else (*t, 1)
  return a, b, [*()], (*(),)

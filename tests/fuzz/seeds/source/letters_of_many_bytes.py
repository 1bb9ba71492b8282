def f(x):
  return 'é' + '€' + '😀' + x

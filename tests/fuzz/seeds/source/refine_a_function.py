def g(): return 1
def f(z: Union[int, str]):
  if isinstance(z, int) or isinstance(g, list): print(z)
  if isinstance(g, list): print(z)
  return g()

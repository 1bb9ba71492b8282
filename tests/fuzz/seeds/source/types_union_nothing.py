def f(a: Union[()]):
  return a

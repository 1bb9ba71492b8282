def f(a: Union[Tensor, None]):
  return a

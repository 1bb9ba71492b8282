def f(a: Union[int, Any]):
  return a

def f(x: int):
  return À€

def f(n: int):
  return [*(torch, n)]

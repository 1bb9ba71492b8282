def f(x: Tensor, n: int):
  if n is None: a = 1
  elif isinstance(n, str): a = 2
  elif hasattr(x, "nope"): a = 3
  else: a = 4
  if False: b = "a"
  elif n > 1: b = 2
  elif True: b = 3
  else: b = x
  if torch.jit.is_scripting(): d = 1
  else: d = "a"
  if not torch.jit.is_tracing() and True or nope: e = 1
  if 1: g = 1
  if "": g = 2
  return a, b, d, e, g

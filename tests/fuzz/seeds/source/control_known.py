def f(x: Tensor, n: int, l: List[int]):
  if hasattr(x, "shape"): n = 1
  if not hasattr(x, "nope"): n += 1
  if torch.jit.is_scripting(): n += 1
  else: undefined_here()
  if torch.jit.is_tracing(): undefined_here()
  if isinstance(n, str): undefined_here()
  if x is None: undefined_here()
  if None is None and True or False: n += 2
  if False and undefined_here(): pass
  if True or undefined_here(): pass
  if n is not n: pass
  if torch.add is None: pass
  if True: m = 1
  elif undefined_here(): pass
  while False: n += 1
  return n, m, not True, n if True else undefined_here(), [i for i in l if True if n > i]

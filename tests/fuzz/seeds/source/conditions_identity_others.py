class C: pass
def g(): return 1
def f(x: Tensor, o: Optional[int]):
  a = g is None, C is not None, torch is None, range(3) is None, None is None, None is not None, (1, 2) is None, x is x, o is o, torch.abs is None
  b = isinstance(g(), int), isinstance(None, int), isinstance(o, Optional[str]), hasattr(g(), "a"), not (o is None), not True, not isinstance(x, int)
  return a, b, 1 if o is None else o, [] if x.any() else [1], [1] if x.any() else [], None if x.any() else 2, (1, []) if x.any() else (2, [])

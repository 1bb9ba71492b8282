def f(n: int, s: str, x: Tensor):
  if n == 1: raise ValueError("a", n, x)
  if n == 2: raise RuntimeError(n)
  if n == 3: raise KeyError(s)
  if n == 4: raise NotImplementedError
  if n == 5: raise Exception(f"a{n}b{s!r}")
  if n == 6: raise IndexError("a" + s) from None
  raise s

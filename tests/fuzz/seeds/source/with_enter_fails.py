def f(w: W):
  with w: pass
class W:
  def __enter__(self): return nope
  def __exit__(self, a: Any, b: Any, c: Any): pass

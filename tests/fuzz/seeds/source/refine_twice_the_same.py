def f(x: Optional[int], y: Optional[str], z: Optional[float]):
  if x is not None and y is not None and z is not None and x is not None: print(x, y, z)
  if x is None or y is None or z is None or y is None: return 0
  return x + len(y)

def f():
  return b"\N \u12"

def f(a: int):
  b = "a\
b"
  c = """x
y\
z"""
  d = r"a\
b"
  if a: \
    return b
  return c + d

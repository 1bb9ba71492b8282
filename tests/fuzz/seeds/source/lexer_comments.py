# a
def f(x: int):  # type: ignore
  # b
      # c
  return x  # type: ignore[x]
# d
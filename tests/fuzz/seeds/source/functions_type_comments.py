def f(a, b, c=None):
  # type: (Tensor, int, Optional[int]) -> int
  return b
def g(a,  # type: int
      b,  # type: str
      c=1,  # type: int
      ):
  # type: (...) -> int
  return a + c
def h(a, b):  # type: (int, int) -> Tuple[int, int]
  return a, b
def k():
  # type: () -> None
  pass

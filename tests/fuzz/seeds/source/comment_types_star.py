def f(a,  # type: int
      *,
      b  # type: [
      ):
  return a

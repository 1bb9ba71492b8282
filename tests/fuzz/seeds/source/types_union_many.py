def f(a: Union[int, str, float, bool, complex, Tensor, List[int], int, str], b: int | str | None | int, c: Optional[Optional[int]], d: Optional[None], e: Union[None, None], g: Union[int, Optional[str]]):
  return a, b, c, d, e, g

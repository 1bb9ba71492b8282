def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  a: List[Optional[int]] = [1, None]
  c = [[1], []]
  e: Optional[List[float]] = [1.5]
  g = [*p, *(1, "a")]
  h: List[float] = [1, 2] if False else [1.5]
  i: Union[List[int], str] = []
  return a, c, e, [], [n, t], [x, None], ["a", 1], l[0], l[-1], l[1:], l[:2], l[::2], l[:], l + [1], l * 2, [l, l]

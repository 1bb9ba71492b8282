def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  return b and n > 1, b or n > 1, not b and b or b, n and t, x.any() and b, (b and True), (False or b), b and False

def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  return n < 1, n <= 1, n == 1, n != 1, n > 1, n >= 1, 1 < n < 3 <= 4 != 5, n in l, n not in l, "a" in s, "a" in d, o is None, o is not None, None is None, n is n, x == x, s == "a", l == [1], 2 > x, 1 == x

def f(x: Tensor, n: int, t: float, s: str, b: bool, l: List[int], d: Dict[str, int], o: Optional[int], p: Tuple[int, str]):
  return n + 1, n - 1, n * 2, n / 2, n // 2, n % 2, n ** 2, n & 1, n | 2, n ^ 3, n << 1, n >> 1, x @ x, -n, +n, not n, -x, ~x, -t, 1 + x, 2 - x, 3 * x, 4 / x, 1.5 < x, x // 2, x % 2, x ** 2, 2 ** x, 1j + x, 1 + 2j, 1.5 - 2j, -1j, n + True

def f(x: Tensor, n: int, t: float, s: str, l: List[int], d: Dict[str, int]):
  x += 1; x -= 1; x *= 2; x /= 2; x //= 2; x %= 2; x **= 2; x @= x; x &= x; x |= x; x ^= x
  n += 1; n -= 1; n *= 2; n //= 2; n %= 3; n &= 1; n |= 2; n ^= 3; n <<= 1; n >>= 1
  t /= 2
  s += "a"
  l += [1]
  l *= 2
  l[0] += 1
  d["a"] -= 1
  x[0] += 1
  x[x > 0] *= 2
  x[:, 1:] += x
  return n

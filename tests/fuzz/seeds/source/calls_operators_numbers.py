def f(a: int, b: float, c: complex, n: number, x: Tensor, t: bool):
  print(math.floor(b), math.ceil(b), math.sqrt(a), math.log(b, a), math.gcd(a, a), math.isnan(b), math.frexp(b), math.ldexp(b, a), math.modf(b), math.factorial(a), math.copysign(b, a))
  print(math.fabs(b), math.remainder(a, b), math.degrees(a), math.isfinite(b), math.pow(a, b), math.exp(c), math.lgamma(b), math.e, math.tau, math.fmod(a, b), math.atan2(a, b))
  print(divmod(a, a), divmod(b, a), round(b), abs(a), abs(b), abs(c), abs(x), pow(a, b), pow(a, a), a // b, a % b, b // 2, a ** b, a / a, c * a, n + a, n * b, n / n, -n, a & 3, a | t, a ^ 1, a << 2, a >> 1, t & t, t | t, t ^ t)
  print(min(a, b), max(b, a), min(a, a), max([b]), int(b), int(t), int(x), int(n), float(a), float(x), float(n), complex(a, b), complex(x), bool(x), bool(n), str(x), n == a, n < b, c == c, c != a)
  print(n // 2, n % 2, n ** 2, x ** n, 2 ** x, x // 2, 2 % x, 1 - x, 1 / x, a * x)

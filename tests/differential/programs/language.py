### literals
def test_ints():
    return 0, 0xFF, 0b101, 0o17, -5, 9223372036854775807
def test_floats():
    return 1.0, 1e3, .5, 5., 1e-3, 2.5e+2, float("inf"), float("-inf"), math.inf, -math.inf, math.pi
def test_nan():
    return float("nan"), math.nan
def test_strings():
    return 'a', "b", 'it\'s', "tab\there", "new\nline", "\x41\101", 'a' 'b', '''three
lines''', r"raw\n", "\\", "\u00e9"
### arithmetic of ints
def test_ops():
    a = 7
    b = -2
    return a + b, a - b, a * b, a / b, a // b, a % b, a ** 2, a & 3, a | 8, a ^ 5, a << 3, a >> 1, -a
### arithmetic of floats
def test_round():
    return round(2.5), round(3.5), round(-2.5), round(2.4), math.floor(-2.5), math.ceil(-2.5), int(-2.7), int(2.7)
### complex numbers
def test_ops():
    a = 1 + 2j
    b = 0.5j
    return a + b, a - b, a * b, a / b, a == b, a != b, a + 1, a * 2.5, -a
### string methods
def test_split():
    return "a,b,c".split(","), "a b  c".split(), "a b  c".split(" "), "a,b,c".split(",", 1), "a,b,c".rsplit(",", 1), "".split(), "a\nb\r\nc".splitlines(), "a\nb".splitlines(True), "a-b-c".partition("-"), "a-b-c".rpartition("-"), "abc".partition("-")
### lists
def test_operators():
    return [1] + [2], [1, 2] * 2, [1] == [1], [1] != [2], ["a"] == ["a"], len([1, 2]), 2 * [1] if False else [1]
### optionals
def f(x: Optional[int]) -> int:
    if x is None:
        return -1
    return x + 1
def g(x: Optional[int], y: Optional[int]) -> int:
    if x is not None and y is not None:
        return x + y
    if x is None or x > 3:
        return 0
    return x
def h(x: Optional[Tensor]) -> Tensor:
    y = x if x is not None else torch.zeros(1)
    return y
def i(x: Optional[List[int]]) -> int:
    assert x is not None
    return len(x)
def test_f():
    return f(None), f(3)
def test_g():
    return g(1, 2), g(None, 2), g(2, None), g(5, None)
def test_h():
    return h(None), h(torch.ones(1))
def test_i():
    return i([1])
def test_i_none():
    return i(None)
### annotations in both styles
def typed(x: int, y: float = 2.5, z: str = "q") -> Tuple[int, float, str]:
    return x, y, z
def commented(x, y=2.5):
    # type: (int, float) -> Tuple[int, float]
    return x, y
def partly(x, n):
    # type: (Tensor, int) -> Tensor
    y = x + n
    return y
def quoted(x: "List[int]") -> "int":
    return x[0]
def test_typed():
    return typed(1), typed(2, 3.5), typed(x=3, y=1.0), typed(4, z="w")
def test_commented():
    return commented(1), commented(2, 4.0), commented(y=0.5, x=7)
def test_partly():
    return partly(torch.ones(2), 3), quoted([4, 5])
def test_comment_on_each_line():
    x = 1  # type: int
    y = None  # type: Optional[int]
    if x > 0:
        y = 5
    return x, y
### several lines of type comments
def f(x,  # type: Tensor
      y,  # type: int
      z=3,  # type: int
      ):
    # type: (...) -> Tensor
    return x * y + z
def test_f():
    return f(torch.ones(3), 2), f(torch.ones(1), 2, 9)
### assignments
def test_multiple():
    a = b = 3
    c, d = a, b + 1
    (e, f), g = (1, 2.5), "s"
    a, b = b, a + 5
    return a, b, c, d, e, f, g
def test_augmented():
    a = 7
    a += 3
    a -= 1
    a *= 4
    a = a // 5
    b = 2.0
    b **= 3.0
    b /= 4.0
    l = [1]
    l += [2, 3]
    s = "a"
    s += "b"
    t = torch.ones(2)
    u = t
    t += 1
    t *= 2
    t -= 0.5
    t /= 2
    bits = 12
    bits |= 3
    bits &= 14
    bits ^= 5
    bits <<= 2
    bits >>= 1
    return a, b, l, s, t, u, bits
### comprehensions
def test_lists():
    a = [i * 2 for i in range(4)]
    b = [[i, j] for i, j in zip([1, 2], [3, 4])]
    c = [x + 1 for x in torch.ones(2, 2)]
    d = [str(k) for k in {"a": 1}]
    e = [i + j for i, j in enumerate([5, 6])]
    f = [len(w) for w in "a bc def".split()]
    return a, b, c, d, e, f
def test_dicts():
    a = {i: i * i for i in range(3)}
    b = {k: v + 1 for k, v in {"x": 1, "y": 2}.items()}
    return a, b
### assert and raise
def a(n: int):
    assert n > 0, "n must be positive, got " + str(n)
    return n
def test_raise_type():
    raise TypeError(f"t {1 + 1}")
### indexing
def test_basic():
    x = torch.arange(24).reshape(2, 3, 4)
    return x[0], x[-1], x[0, 1], x[0][1], x[:, 1], x[..., 2], x[0, ..., 1], x[None].shape, x[:, None].shape, x[1, 2, 3]
### formatting of values
def main():
    n = 3
    f = 2.5
    s = "text"
    print(f"{n} and {f} and {s}")
    print(f"{n + 1}{s.upper()}")
    print("{} {} {}".format(n, f, s))
    print("%s is %d, %s" % (s, n, f))
    print("{}, {}".format([1, 2], {"a": 1}))
    print("none: {}".format(torch.jit.annotate(Optional[int], None)), True, (1, "x"))
### math functions
def main():
    print(math.fabs(-2.5), math.floor(2.7), math.ceil(2.1))
    print(math.gcd(12, 18), math.factorial(5), math.copysign(3.0, -1.0), math.ldexp(1.5, 3))
    print(math.isnan(math.nan), math.isinf(math.inf), math.isfinite(1.0))
    print(int(10000.0 * math.exp(1.0)), int(10000.0 * math.log(10.0)), int(10000.0 * math.log(8.0, 2.0)), math.log10(100.0))
    print(int(10000.0 * math.sin(1.0)), int(10000.0 * math.atan2(1.0, 2.0)), int(10000.0 * math.degrees(math.pi)), int(10000.0 * math.radians(180.0)))
    print(math.fmod(7.5, 2.0), math.pow(2.0, 10.0), math.sqrt(16.0))
    print(math.frexp(8.0), math.modf(2.25))
    print(int(10000.0 * math.erf(0.5)), int(10000.0 * math.gamma(5.0)), int(10000.0 * math.lgamma(5.0)), int(10000.0 * math.expm1(0.5)), int(10000.0 * math.log1p(0.5)))
### methods and functions of containers
def main():
    l = [3, 1, 2]
    l.append(5)
    l.insert(1, 9)
    l.extend([7, 7])
    l.remove(9)
    print(l, l.index(2), l.count(7), l.pop(), l.pop(0))
    l.sort()
    print(l, sorted([3, 1, 2]), sorted(["b", "a"]))
    l.reverse()
    print(l, l.copy(), min(l), max(l), sum(l))
    l.clear()
    print(l, len(l), bool(l))
    d = {"a": 1, "b": 2}
    print(d.keys(), d.values(), d.items(), d.get("a"), d.get("z", 7), d.setdefault("c", 3))
    d.update({"a": 5})
    print(d.pop("a"), d, len(d), d.copy())
    for k, v in d.items():
        print(k, v)
    print(min(1, 2), max(1.5, 2.5), abs(-3), divmod(7, 2), round(2.6), pow(2, 3), hash("a") == hash("a"))
    print(any([False, True]), all([True, False]), ord("a"), chr(98), bin(5), hex(255), oct(8))
    print([i for i in range(10, 0, -3)], list(range(3)), [z for z in zip([1, 2], ["a", "b"])])
    for i, s in enumerate(["x", "y"]):
        print(i, s)
    print(list("abc"), str(1.5), int("12"), float("1.5"), int(2.9), bool(0), complex(1.0, 2.0))

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

### literals
def test_complex():
    return 1j, 2.5j, 1 + 2j, complex(1, 2), complex(1.5), abs(3 + 4j)
def test_none_and_bool():
    return None, True, False
def test_tuples():
    return (1,), (1, 2), ((1, 2), (3,)), 1, "a"
def test_lists():
    return [1, 2], [[1], [2, 3]], [1.5], ["a"], [True], [None], torch.jit.annotate(List[str], [])
def test_dicts():
    return {"a": 1}, {1: "a"}, {1.5: 2}, {"k": [1]}, torch.jit.annotate(Dict[str, int], {})
### arithmetic of ints
def test_negative_floor():
    return -7 // 2, -7 % 2, 7 // -2, 7 % -2, -7 // -2, -7 % -2
def test_compare():
    a = 3
    return a < 4, a <= 3, a > 3, a >= 4, a == 3, a != 3, 1 < a < 5, 1 < a > 5, 1 == 1.0, a is None, a is not None
def test_pow():
    return 2 ** 10, 2 ** -1, 2.0 ** 0.5, (-2) ** 3, 0 ** 0
def test_divmod():
    return divmod(7, 2), divmod(-7, 2), divmod(7.5, 2.0), divmod(7, 2.0), divmod(7.5, 2)
def test_large():
    a = 9223372036854775807
    return a + 1, a * 2, -a - 2
def test_abs():
    return abs(-3), abs(-2.5), abs(torch.tensor([-1.0])), abs(1j)
### arithmetic of floats
def test_ops():
    a = 7.5
    b = -2.0
    return a + b, a - b, a * b, a / b, a // b, a % b, a ** 2.0, -a
def test_mixed():
    return 1 + 2.5, 2 * 1.5, 5 // 2.0, 7 % 2.5, 1 - 0.5, 3 / 2, 2 ** 1.5, 1.5 ** 2, True + 1 if False else 0
def test_compare():
    a = 2.5
    return a < 3, a <= 2.5, a > 3, 2 == 2.0, a != 2.5, float("nan") == float("nan")
def test_min_max():
    return min(1, 2), max(1, 2), min(1.5, 2), max([1, 3, 2]), min([1.5, 0.5]), max(1, 2.5), min([3])
def test_sum():
    return sum([1, 2, 3]), sum([1.5, 2.5]), sum([True, False, True]), sum([1j, 2j])
### arithmetic of bools
def test_logic():
    a = True
    b = False
    return a and b, a or b, not a, a and not b, a == b, a != b, a & b, a | b, a ^ b
def effect(l: List[int], r: bool) -> bool:
    l.append(len(l))
    return r
def test_short_circuit():
    l: List[int] = []
    a = effect(l, False) and effect(l, True)
    b = effect(l, True) or effect(l, False)
    c = effect(l, True) and effect(l, False) and effect(l, True)
    return l, a, b, c
def test_chained():
    l: List[int] = []
    return 1 < 2 < 3, 1 < 2 > 3, 1 == 1 == 1
def test_ternary():
    x = 5
    return 1 if x > 3 else 2, "a" if x < 3 else "b", (1, 2) if x == 5 else (3, 4)
def test_conversions():
    return int(True), float(True), bool(0), bool(2), bool(0.0), bool(0.1), int("12"), int(" 7 ") if False else 7, float("2.5"), str(1), str(1.5), str(True), str("s")
### complex numbers
def test_functions():
    return abs(3 + 4j), complex(1, 2), complex(1.5, 2), complex("1+2j") if False else 1j
def test_lists():
    return [1j, 2j], sum([1j, 2 + 1j]), [1j][0]
### slices
def test_lists():
    x = [0, 1, 2, 3, 4, 5]
    return x[1:3], x[:2], x[4:], x[:], x[::2], x[1::2], x[-2:], x[:-1], x[5:2], x[0:100], x[-100:2]
def test_negative_step():
    x = [0, 1, 2, 3]
    return x[::-1], x[3:0:-1], x[::-2]
def test_strings():
    s = "abcdef"
    return s[1:3], s[:2], s[-2:], s[::2], s[-1], s[0], s[10:]
def test_tuples():
    t = (1, "a", 2.5)
    return t[0], t[-1], t[1:], t[:2], t[0:3:2], len(t)
def test_with_variables():
    x = [0, 1, 2, 3, 4]
    i: Optional[int] = None
    j = 3
    return x[i:j], x[j:i], x[1:j]
### string methods
def test_case():
    s = "Hello World"
    return s.upper(), s.lower(), s.swapcase(), s.capitalize(), s.title(), "ab1 2cd".title()
def test_ask():
    s = "abc1"
    return s.isalnum(), s.isalpha(), s.isdigit(), "12".isdigit(), "  ".isspace(), "abc".islower(), "ABC".isupper(), "Ab Cd".istitle(), "12".isdecimal(), "12".isnumeric(), "a b".isprintable(), "".isalpha()
def test_start():
    s = "abc"
    return s.startswith("a"), s.startswith("b", 1), s.endswith("c"), s.endswith("b", 0, 2), s.startswith(""), s.startswith("abcd")
def test_strip():
    return "  a ".strip(), "xxaxx".strip("x"), "  a".lstrip(), "a  ".rstrip(), "xya".lstrip("xy"), "axy".rstrip("yx")
def test_pad():
    return "a".center(5), "a".center(4, "*"), "a".ljust(3), "a".rjust(3, "-"), "42".zfill(5), "-42".zfill(5), "a\tb".expandtabs(4)
def test_join():
    return ",".join(["a", "b"]), "".join(["a"]), "-".join(torch.jit.annotate(List[str], []))
def test_operators():
    return "a" + "b", "a" < "b", "a" == "a", "a" != "b", "b" >= "a", len("abc"), "abc"[1]
def test_ord_chr():
    return ord("a"), chr(98), hex(255), oct(8), bin(5), hex(-255), bin(-5)
def test_iterate():
    return [c for c in "hey"], list("abc")
### formatted strings
def test_format():
    return "{}".format(1), "{} {}".format("a", 2.5), "{0} {1} {0}".format(1, 2), "{}{}".format([1], {"a": 1}), "{{}}".format(), "{}".format(None)
def test_percent():
    return "%d" % 3, "%s %s" % ("a", 1), "%5.2f|%-5d|%05d" % (2.5, 3, 4) if False else "", "%%" % (), "%x" % 255, "%s" % [1, 2], "%i" % 4, "%f" % 1.5, "%e" % 12345.678, "%g" % 0.0001, "%c" % "a"
def test_floats_as_text():
    return str(1.0), str(0.1), str(1e20), str(1e-7), str(123456789.0), str(-0.0), str(float("inf")), str(float("nan")), str(1 / 3)
def test_values_as_text():
    return str([1, 2]), str((1, "a")), str({"a": 1}), str(None), str(torch.device("cpu")), str([1.5, 2.0]), str(["a"]), str([True])
### lists
def test_methods():
    a = [3, 1, 2]
    b = a.copy()
    b.append(9)
    b.extend([7, 8])
    b.insert(0, 5)
    b.insert(-1, 6)
    c = b.pop()
    d = b.pop(0)
    b.remove(1)
    b.reverse()
    e = b.index(9)
    f = b.count(3)
    b.sort()
    g = sorted([3, 1, 2])
    a.clear()
    return a, b, c, d, e, f, g
def test_sort():
    x = [3, 1, 2]
    x.sort(reverse=True)
    y = [2.5, -1.0]
    y.sort()
    z = ["b", "a", "C"]
    z.sort()
    return x, y, z, sorted(["b", "a"]), sorted([True, False])
def test_functions():
    return any([True, False]), all([True, False]), any([0, 0]), all([1, 2]), list(range(4)), list(range(1, 8, 3)), list((1, 2)), list({"a": 1}), list(enumerate(["a"])) if False else [0]
def test_aliasing():
    a = [1]
    b = a
    b.append(2)
    c = [a, a]
    c[0].append(3)
    return a, b, c
def test_nested():
    x = [[1, 2], [3]]
    x[0][1] = 7
    x[1].append(4)
    return x, x[0][1]
def test_tensors():
    t = torch.zeros(2)
    x = [t, t + 1]
    x[0].add_(5)
    return x, t, torch.stack(x), torch.cat(x)
def test_optional_elements():
    x: List[Optional[int]] = [1, None]
    x.append(None)
    return x
def test_list_of_list():
    return list([1, 2]), list("ab")
### dicts
def test_methods():
    d = {"a": 1, "b": 2}
    e = d.copy()
    e["c"] = 3
    f = e.pop("a")
    g = e.get("z")
    h = e.get("z", 9)
    i = e.get("b")
    j = e.setdefault("q", 5)
    k = e.setdefault("b", 7)
    e.update({"x": 1})
    l = len(e)
    keys = list(e.keys())
    values = list(e.values())
    items = list(e.items())
    m = "b" in e
    e.clear()
    return d, e, f, g, h, i, j, k, l, keys, values, items, m
def test_popitem():
    d = {"a": 1}
    x = d.popitem()
    return x, d
def test_key_types():
    return {1: "a"}[1], {1.5: "a"}[1.5], {True: "x"}[True], {"a": [1]}["a"], {1j: 2}[1j]
def test_order():
    d = {"z": 1, "a": 2}
    d["m"] = 3
    d["z"] = 4
    return d, [k for k in d]
def test_constructor():
    return dict([("a", 1), ("b", 2)]), dict({"x": 1}), dict(a=1, b=2)
def test_nested():
    d = {"a": {"b": [1]}}
    d["a"]["b"].append(2)
    return d
def test_tensor_values():
    d = {"x": torch.ones(2)}
    d["x"].mul_(3)
    d["y"] = d["x"]
    return d
### unions
def f(x: Union[int, str, List[int]]) -> int:
    if isinstance(x, int):
        return x
    elif isinstance(x, str):
        return len(x)
    else:
        return x[0]
def g(x: Union[int, float, None]) -> float:
    if x is None:
        return -1.0
    if isinstance(x, float):
        return x
    return float(x)
def h(x: Union[Tensor, List[Tensor]]) -> Tensor:
    if torch.jit.isinstance(x, List[Tensor]):
        return x[0]
    assert isinstance(x, Tensor)
    return x
def test_f():
    return f(3), f("abcd"), f([7])
def test_g():
    return g(None), g(2.5), g(4)
def test_h():
    return h(torch.ones(1)), h([torch.zeros(1)])
### any and isinstance
def f(x: Any) -> str:
    if isinstance(x, int):
        return "int"
    if isinstance(x, (float, str)):
        return "float or str"
    if torch.jit.isinstance(x, List[int]):
        return "ints"
    if torch.jit.isinstance(x, Dict[str, int]):
        return "dict"
    if isinstance(x, Tensor):
        return "tensor"
    if isinstance(x, bool):
        return "bool"
    return "other"
def test_f():
    return f(1), f(2.5), f("a"), f([1]), f({"a": 1}), f(torch.ones(1)), f(True), f(None), f((1, 2))
def test_static():
    x = 3
    if isinstance(x, str):
        return "never"
    return "int"
def test_hasattr():
    return hasattr(torch.ones(1), "shape") if False else True
### casts of tensors
def test_numbers():
    t = torch.tensor([2.7])
    return int(t), float(t), bool(t), int(torch.tensor(5)), float(torch.tensor(1)), t.item(), complex(torch.tensor(1j))
def test_implicit():
    x = torch.ones(2)
    n = int(x.sum())
    return [0] * n, x[int(x[0])]
def test_tolist():
    a: List[List[int]] = torch.arange(4).reshape(2, 2).tolist()
    b: List[float] = torch.ones(2).tolist()
    c: int = torch.tensor(4).tolist()
    d: List[bool] = torch.tensor([True]).tolist()
    return a, b, c, d
def test_condition():
    if torch.tensor(1):
        return 1
    return 2
### identity and membership
def maybe(n: int) -> Optional[int]:
    if n > 0:
        return n
    return None
def main():
    print("a" in "abc", "z" in "abc", "" in "abc", "z" not in "abc")
    print(1 in [1, 2], 3 not in [1, 2], 2.5 in [2.5], "k" in {"k": 1}, 4 in {4: "x"}, "b" in ["a", "b"])
    x = [1, 2]
    y = x
    print(x is y, x is not y, [1] is [1])
    print(maybe(1) is None, maybe(0) is None, maybe(1) is not None)
    t = torch.ones(2)
    u = t
    print(t is u, t is t.clone())

### assignments
def test_augmented_elements():
    l = [1, 2, 3]
    l[1] += 5
    l[-1] *= 2
    d = {"a": 1}
    d["a"] += 4
    t = torch.zeros(3, 3)
    t[0] += 1
    t[1, 2] -= 4
    t[:, 0] *= 3
    t[t > 0] += 10
    return l, d, t
def test_starred():
    a, *b = (1, 2, 3)
    *c, d = (1, 2.0, "x")
    e, *f, g = (1, 2, 3, 4)
    h, *i = (1,)
    return a, b, c, d, e, f, g, h
def test_delete():
    x = [1, 2, 3, 4]
    del x[0]
    d = {"a": 1, "b": 2}
    del d["a"]
    y = 3
    del y
    y = 5
    return x, d, y
### types of variables do not change
def test_f():
    x = 1
    x = "s"
    return x
### types may change where nothing joins
def test_f():
    x = torch.ones(1)
    if bool(x):
        x = x + 1
    return x
### if without a definition on both sides: refused
def f(c: bool):
    if c:
        x = 1
    return x
### unused definition on one side
def f(c: bool):
    if c:
        x = 1
        y = x + 1
    else:
        y = 5
    return y
def test_f():
    return f(True), f(False)
### early returns
def sign(x: int) -> str:
    if x < 0:
        return "neg"
    elif x == 0:
        return "zero"
    return "pos"
def search(xs: List[int], wanted: int) -> int:
    for i, x in enumerate(xs):
        if x == wanted:
            return i
    return -1
def nested(n: int) -> int:
    total = 0
    for i in range(n):
        j = 0
        while True:
            j += 1
            if j > i:
                break
            if (i + j) % 3 == 0:
                continue
            total += i * j
            if total > 200:
                return total
    return -total
def raises_or_returns(x: int) -> int:
    if x > 2:
        raise ValueError("large")
    else:
        return x + 1
def test_sign():
    return sign(-4), sign(0), sign(9)
def test_search():
    return search([4, 5, 6], 6), search([4], 1), search([], 0)
def test_nested():
    return [nested(i) for i in range(12)]
def test_raises():
    return raises_or_returns(3)
def test_returns():
    return raises_or_returns(2)
### loops
def test_for_over_everything():
    out: List[str] = []
    for i in [1, 2]:
        out.append(str(i))
    for t in (1, 2.5, "x"):
        out.append(str(t))
    for c in "abc":
        out.append(c)
    for k in {"x": 1, "y": 2}:
        out.append(k)
    for k, v in {"x": 1, "y": 2}.items():
        out.append(k + str(v))
    for v in {"x": 1, "y": 2}.values():
        out.append(str(v))
    for i in range(3):
        out.append(str(i))
    for i in range(5, 0, -2):
        out.append(str(i))
    for i, (a, b) in enumerate(zip([1, 2, 3], "xyz"), 5):
        out.append(str(i) + str(a) + b)
    for row in torch.arange(4).reshape(2, 2):
        out.append(str(int(row.sum())))
    return out
def test_while():
    i = 0
    n = 0
    while i < 10 and n < 100:
        i += 1
        if i % 2:
            continue
        n += i
    return i, n
def test_loop_variable_afterwards():
    last = -1
    for i in range(4):
        last = i
    return last
def test_empty_loop():
    n = 0
    for i in range(0):
        n = 1
    for x in torch.jit.annotate(List[int], []):
        n = 2
    return n
def test_break_in_nested():
    out: List[int] = []
    for i in range(4):
        for j in range(4):
            if j == i:
                break
            out.append(i * 10 + j)
        if i == 2:
            break
    return out
def test_range_of_zero_step():
    n = 0
    for i in range(0, 4, 0):
        n += i
    return n
### for with else: refused
def f():
    for i in range(3):
        pass
    else:
        pass
### list changes while it is looped over
def test_f():
    x = [1, 2, 3]
    n = 0
    for i in x:
        if n < 3:
            x.append(i + 10)
        n += 1
    return x, n
### comprehensions
def test_nested():
    return [[j for j in range(i)] for i in range(4)]
def test_over_tuple():
    return [x + 1 for x in (1, 2, 3)]
### comprehensions with conditions: ours
def test_filter():
    return [x for x in [1, 2, 3, 4] if x % 2 == 0] == [2, 4]
### assert and raise
def a(n: int):
    assert n > 0, "n must be positive, got " + str(n)
    return n
def test_assert_fails():
    return a(-1)
def test_assert_holds():
    return a(3)
def test_assert_without_message():
    x = 0
    assert x == 1
def test_raise_class():
    raise RuntimeError
def test_raise_value():
    raise ValueError("bad", 3)
def test_raise_index():
    raise IndexError("i")
def test_raise_key():
    raise KeyError("k")
def test_raise_not_implemented():
    raise NotImplementedError("later")
def test_raise_in_loop():
    for i in range(5):
        if i == 3:
            raise RuntimeError("at " + str(i))
    return 1
### exceptions of values
def test_zero_division():
    x = 0
    return 1 // x
def test_zero_true_division():
    x = 0
    return 1 / x
def test_zero_float_division():
    x = 0.0
    return 1.5 / x
def test_zero_float_floor():
    x = 0.0
    return 1.5 // x
def test_list_index():
    x = [1, 2]
    return x[5]
def test_list_negative_index():
    x = [1, 2]
    return x[-3]
def test_key():
    d = {"a": 1}
    return d["b"]
def test_int_key():
    d = {1: 1}
    return d[2]
def test_pop_empty():
    x: List[int] = []
    return x.pop()
def test_remove_missing():
    x = [1]
    x.remove(2)
    return x
def test_index_missing():
    return [1].index(3)
def test_string_index():
    s = "ab"
    return s[2]
def test_int_of_text():
    return int("x1")
def test_float_of_text():
    return float("nope")
def test_chr():
    return chr(-1)
def test_ord():
    return ord("ab")
def test_unwrap():
    x: Optional[int] = None
    return torch.jit._unwrap_optional(x)
def test_shape():
    return torch.ones(2, 3) + torch.ones(4)
def test_item():
    return int(torch.ones(2))
def test_bool():
    return bool(torch.ones(2))
def test_unpack_list():
    x = [1, 2, 3]
    a, b = x
    return a, b
### print
def test_print():
    print("a", 1, 2.5, True, None, [1, 2], (1, "x"), {"k": 1})
    print()
    print(torch.ones(2), 1e20, 1.0, -0.0, 3j)
    print("done", [1.5], ["a"], [True])

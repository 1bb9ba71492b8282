"""Lists, dicts, tuples, NamedTuples: every method and operator of theirs."""

from collections import OrderedDict
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor

from registry import fn, module
from values import C, D, E, L, T, Tup, data, ints


@fn(C(L("int", 5, 3, 9, 3)), E(L("int")), C(L("int", 1)), tags=("list",))
def list_methods_int(a: List[int]):
    b = a.copy()
    b.append(7)
    b.extend([1, 2])
    b.insert(1, 100)
    b.insert(-1, 200)
    popped = b.pop()
    first = b.pop(0)
    b.reverse()
    where = b.index(7)
    count = b.count(3)
    b.remove(7)
    c = sorted(b)
    b.sort(reverse=True)
    del b[0]
    return a, b, c, popped, first, where, count, len(b), a[0]


@fn(C(L("float", 2.5, -1.0, 0.0)), C(L("float", 1.0, {"float": "inf"}, {"float": "-inf"})), tags=("list",))
def list_methods_float(a: List[float]):
    b = [x * 2.0 for x in a]
    b.sort()
    return b, sum(a), min(a), max(a), b == a, b != a, 0.0 in a, a + b, a * 2


@fn(C(L("str", "pear", "apple", "fig")), C(L("str")), tags=("list", "strings"))
def list_methods_str(a: List[str]):
    b = a + ["kiwi"]
    b.sort()
    return b, ", ".join(b), "fig" in a, sorted(a), list("abc"), b.count("kiwi"), b == a


@fn(C(L("bool", True, False, True)), C(L("bool")), tags=("list",))
def list_methods_bool(a: List[bool]):
    return any(a), all(a), sum([1 if x else 0 for x in a]), [not x for x in a], a + [True], len(a), any([x for x in a])


@fn(C(L("Tensor", T(2), T(2, seed=1), T(2, seed=2)), T(2, seed=1)), C(L("Tensor", T(2)), T(2)), tags=("list", "aliasing"))
def list_of_tensors(a: List[Tensor], x: Tensor):
    a.append(x)
    a[0] = a[0] + 1
    b = a[::-1]
    b[0] *= 2
    last = a.pop()
    a += [last, x]
    y, *rest = (a[0], a[-1], x)
    return a, b, torch.cat(a), torch.stack(b).sum(0), len(a), y, rest


@fn(C(L("List[int]", L("int", 1, 2), L("int", 3))), C(L("List[int]")), tags=("list",))
def nested_lists(a: List[List[int]]):
    out: List[List[str]] = []
    flat: List[int] = []
    for row in a:
        row.append(0)
        out.append([str(v) for v in row])
        for v in row:
            flat.append(v)
    grid = [[i * j for j in range(3)] for i in range(2)]
    grid[1][2] = 50
    empty: List[List[int]] = []
    none: List[int] = []
    empty.append(none)
    return out, flat, grid, empty, a


@fn(C(L("int", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)), C(L("int")), C(L("int", 4)), tags=("list", "slice"))
def list_slices(a: List[int]):
    b = a[:]
    b[0:0]
    return (a[1:], a[:3], a[-3:], a[:-2], a[::2], a[::-1], a[7:2:-2], a[100:], a[-100:3], a[1:8:3], b, a[2:][:2], a[:0])


@fn(C(L("int", 1, 2, 3), 2, 9), C(L("int", 1, 2, 3), -1, 9), E(L("int", 1, 2, 3), 3, 9), E(L("int", 1), -2, 9), tags=("list",))
def list_set_item(a: List[int], i: int, v: int):
    old = a[i]
    a[i] = v
    a[i] += 1
    a[0] -= 5
    a[-1] *= 2
    return old, a


@fn(E(L("int", 1), 0), E(L("int", 1), 1), E(L("int", 1), 2), E(L("int", 1), 3), C(L("int", 1), 4), tags=("list", "raise"))
def list_errors(a: List[int], which: int) -> int:
    if which == 0:
        return a.index(99)
    elif which == 1:
        a.remove(99)
    elif which == 2:
        b: List[int] = []
        return b.pop()
    elif which == 3:
        x, y = a
        return x
    return a[0]


@fn(C(4), C(0), tags=("list", "comprehension"))
def comprehensions(n: int):
    squares = [i * i for i in range(n)]
    even = [i % 2 == 0 for i in squares]
    named = {str(i): i * 1.5 for i in range(n)}
    by_number = {i: [i] * i for i in squares}
    pairs = [(i, str(i)) for i in range(n)]
    chars = [c + c for c in "abc"]
    tensors = [torch.full([i], float(i)) for i in range(n)]
    keys = [k for k in named.keys()]
    return squares, even, named, by_number, pairs, chars, tensors, keys


@fn(C(D("str", "int", ["b", 2], ["a", 1]), "a"), C(D("str", "int"), "x"), C(D("str", "int", ["z", 5]), "y"), tags=("dict",))
def dict_methods(d: Dict[str, int], key: str):
    found = d.get(key)
    missing = d.get("nope", -1)
    d["new"] = 10
    d["new"] += 5
    default = d.setdefault(key, 77)
    popped = d.pop("new")
    again = d.pop("new", -7)
    d.update({"u": 8, "a": 100})
    copy = d.copy()
    d.clear()
    del copy["u"]
    keys = list(copy.keys())
    values = list(copy.values())
    items = list(copy.items())
    return found, missing, default, popped, again, len(d), keys, values, items, key in copy, "q" not in copy, copy, d


@fn(C(D("str", "int", ["a", 1]), "a"), E(D("str", "int", ["a", 1]), "b"), E(D("str", "int"), ""), tags=("dict", "raise"))
def dict_missing_key(d: Dict[str, int], key: str) -> int:
    return d[key] + 1


@fn(E(D("str", "Tensor", ["a", T(2)]), 0), E(D("str", "Tensor", ["a", T(2)]), 1), E(D("str", "Tensor"), 2),
    C(D("str", "Tensor", ["a", T(2)]), 3), tags=("dict", "raise"))
def dict_errors(d: Dict[str, Tensor], which: int):
    if which == 0:
        del d["nothing"]
    elif which == 1:
        return d.pop("nothing")
    elif which == 2:
        return d.popitem()[1]
    return d["a"]


@fn(C(D("int", "Tensor", [3, T(2)], [1, T(2, seed=1)]), 5), tags=("dict",))
def dict_of_tensors(d: Dict[int, Tensor], n: int) -> Tuple[Dict[int, Tensor], Tensor, List[int]]:
    total = torch.zeros(2)
    order: List[int] = []
    for key, value in d.items():
        total += value * key
        order.append(key)
    for i in range(n):
        if i in d:
            d[i] = d[i] + total
        else:
            d[i] = total * i
    return d, total, order


@fn(C(2.0), tags=("dict",))
def dict_keys_of_all_types(x: float):
    floats = {x: "two", 0.5: "half"}
    bools = {True: 1, False: 0}
    one = torch.ones(1)
    tensors = {one: 5}
    literals: Dict[int, Dict[str, List[int]]] = {1: {"a": [1, 2]}, 2: {"c": [0]}}
    literals[2]["b"] = [3]
    literals[1]["a"].append(9)
    complexes = {complex(1.0, 2.0): x}
    ordered = OrderedDict([("z", 1), ("a", 2)])
    made = dict([("k", 1.5)])
    return floats[2.0], bools[x > 1.0], tensors[one], literals, complexes[1 + 2j], ordered, made, dict(a=1, b=2)


@fn(C(D("str", "Dict[str, int]", ["p", D("str", "int", ["q", 4])])), tags=("dict",))
def nested_dicts(d: Dict[str, Dict[str, int]]):
    fresh: Dict[str, int] = {}
    d["new"] = fresh
    d["new"]["x"] = 1
    inner = d["p"]
    inner["q"] += 1
    total = 0
    for key in d:
        for name, value in d[key].items():
            total += value * len(name)
    return d, inner, total


@fn(C(Tup(1, T(2), "x")), C(Tup(-1, T(2), "")), tags=("tuple",))
def tuples(t: Tuple[int, Tensor, str]):
    a, b, c = t
    nested = ((a, b), (c, (a + 1,)))
    (d, e), (f, (g,)) = nested
    swapped = (b, a)
    x, y = swapped
    x, d = e * 2, y
    return t, nested[1][1][0], t[1:], t[-1], t[::-1], d, x, (f,), t + (1.5,), len(t), nested[0]


@fn(C(Tup(3, "b"), Tup(3, "a")), C(Tup(2, "b"), Tup(3, "a")), C(Tup(3, "b"), Tup(3, "b")), tags=("tuple",))
def tuple_comparison(a: Tuple[int, str], b: Tuple[int, str]):
    pairs = [a, b, (1, "z")]
    pairs.sort()
    return pairs, sorted([b, a]), a[0] == b[0] and a[1] == b[1]


class Point(NamedTuple):
    x: Tensor
    y: int
    label: str = "none"
    weights: Optional[List[float]] = None


class Segment(NamedTuple):
    start: Point
    end: Point


@fn(C(T(2), 3), C(T(2), -3), tags=("namedtuple",))
def named_tuples(x: Tensor, n: int):
    a = Point(x, n)
    b = Point(y=n + 1, x=x * 2, label="b", weights=[0.5, 1.5])
    s = Segment(a, end=b)
    first, second = s
    px, py, plabel, pweights = first
    return s, s.end.label, second.x + px, py, a[1], b[-1], s[1].y


@module(C(T(2)), C(T(2), method="as_list"), tags=("namedtuple", "class"))
class NamedTupleAttribute(nn.Module):
    origin: Point
    points: List[Point]

    def __init__(self):
        super().__init__()
        self.origin = Point(torch.zeros(2), 1, "origin", [2.0])
        self.points = [self.origin, Point(torch.ones(2), 2)]

    def forward(self, x: Tensor) -> Point:
        last = self.points[-1]
        return Point(self.origin.x + x, last.y + self.origin.y, self.origin.label + last.label, self.origin.weights)

    @torch.jit.export
    def as_list(self, x: Tensor) -> List[Point]:
        self.points.append(Point(x, len(self.points)))
        return self.points


@fn(C(L("Optional[Tensor]", T(2), None, T(2, seed=1))), C(L("Optional[Tensor]")), tags=("list", "optional"))
def optional_tensors(xs: List[Optional[Tensor]]):
    total = torch.zeros(2)
    missing = 0
    for x in xs:
        if x is None:
            missing += 1
        else:
            total += x
    return total, missing, [x is not None for x in xs]


@fn(C(D("str", "List[Tensor]", ["boxes", L("Tensor", T(3, 4), T(1, 4, seed=1))], ["scores", L("Tensor", T(3))])), tags=("dict",))
def detection_dict(targets: Dict[str, List[Tensor]]) -> Tuple[Dict[str, Tensor], List[Tuple[str, int]]]:
    out: Dict[str, Tensor] = {}
    sizes: List[Tuple[str, int]] = []
    for name, tensors in targets.items():
        out[name] = torch.cat([t.flatten() for t in tensors])
        sizes.append((name, out[name].numel()))
    return out, sizes


@fn(C(L("int", 1, 2, 3)), tags=("list", "aliasing"))
def lists_are_references(a: List[int]):
    b = a
    b.append(4)
    c = [a, b]
    c[0][0] = 50
    d = {"k": a}
    d["k"].append(5)
    t = (a, 1)
    t[0].append(6)
    return a, b, c, d, len(t[0]), a is b, a == a.copy()


@fn(C(L("int", 3, 1), L("int", 3, 2)), C(L("int", 2), L("int", 2)), C(L("int", 1), L("int", 1, 0)), tags=("list",))
def list_comparison(a: List[int], b: List[int]):
    return a == b, a != b, min([3, 1, 2]), max(a + [0]), min(a, b), a + b


@fn(C(), tags=("list", "dict"))
def empty_literals():
    a: List[Tensor] = []
    b: Dict[str, List[int]] = {}
    c = torch.jit.annotate(List[Tuple[int, str]], [])
    d = torch.jit.annotate(Optional[int], None)
    e: Tuple[()] = ()
    return a, b, c, d, e, [1], {"x": 1}

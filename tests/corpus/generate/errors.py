"""Calls that must fail, at places of every kind; and calls that go on after a failure."""

from typing import Any, Dict, List, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor

from registry import fn, module, scripted, traced
from values import C, D, E, L, T, Tup, arg, data, ints, randint

RAISE = {"tags": ("raise",)}


class Level(nn.Module):
    def __init__(self, depth: int):
        super().__init__()
        self.next = Level(depth - 1) if depth > 1 else nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(x)
        return self.next(y)


@module(C(T(2, 4)), E(T(2, 5)), E(T(4, 2)), C(T(4)), **RAISE)
class ShapeErrorDeepInside(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.levels = nn.Sequential(Level(3), nn.Tanh(), Level(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.levels(x)


@fn(E(T(2, 3), T(2, 3)), C(T(2, 3), T(3, 2)), E(T(2, 3), T(3, 2, dtype="float64")), E(T(2, 3), T(2)), **RAISE)
def matmul_shapes(x: Tensor, y: Tensor) -> Tensor:
    z = x + 1
    return torch.matmul(z, y)


@fn(E(1), E("text"), E(None), E(T(2), T(2)), E(), E(L("Tensor", T(2))), C(T(2)), **RAISE)
def wrong_arguments(x: Tensor) -> Tensor:
    return x * 2


@fn(E(2.5, "s", L("int")), E(2, 5, L("int")), E(2, "s", L("float", 1.5)), E(True, None, L("int")), C(2, "s", L("int", 1)), **RAISE)
def wrong_argument_types(n: int, s: str, a: List[int]) -> str:
    return s + str(n) + str(len(a))


@fn(E(kwargs={"z": 1}), E(1, kwargs={"a": 2}), C(1, kwargs={"b": 5}), C(kwargs={"b": 5, "a": 1}), E(kwargs={"b": 5}), **RAISE)
def wrong_keywords(a: int, b: int) -> int:
    return a * 10 + b


class CustomError(Exception):
    pass


@fn(E(0), E(1), E(2), E(3), E(4), E(5), E(6), C(7), **RAISE)
def exception_kinds(n: int) -> int:
    if n == 0:
        raise KeyError("no such key")
    elif n == 1:
        raise AttributeError("no such attribute")
    elif n == 2:
        raise StopIteration("stop")
    elif n == 3:
        raise CustomError("an own class")
    elif n == 4:
        raise AssertionError("an assertion")
    elif n == 5:
        raise OverflowError("many words, {} and %s and \"quotes\"\nand lines")
    elif n == 6:
        assert n != 6, "n must not be " + str(n)
    return n


def level_one(n: int) -> int:
    return level_two(n) + 1


def level_two(n: int) -> int:
    total = 0
    for i in range(n):
        total += level_three(i)
    return total


def level_three(i: int) -> int:
    if i == 2:
        raise ValueError("reached " + str(i))
    return i


@fn(C(2), E(3), C(1), **RAISE)
def error_through_calls(n: int) -> int:
    return level_one(n)


@module(C(1), E(-1), C(2), C(method="read"), tags=("raise", "state"))
class StateBeforeError(nn.Module):
    """What was written before the error stays written."""

    def __init__(self):
        super().__init__()
        self.log: List[int] = [0]
        self.register_buffer("count", torch.zeros(1))

    def forward(self, n: int) -> int:
        self.count += 1
        self.log.append(n)
        if n < 0:
            raise ValueError("negative")
        self.count += 10
        return len(self.log)

    @torch.jit.export
    def read(self) -> Tuple[List[int], Tensor]:
        return self.log, self.count


@fn(C(L("int", 1, 2, 3), 1), E(L("int", 1, 2, 3), 3), E(L("int", 1, 2, 3), -4), C(L("int", 1, 2, 3), -3), E(L("int"), 0), **RAISE)
def list_index(a: List[int], i: int) -> int:
    return a[i]


@fn(C("abc", 1), E("abc", 3), E("", 0), C("abc", -1), **RAISE)
def string_index_error(s: str, i: int) -> str:
    return s[i]


@fn(C(None), E(T(2)), **RAISE)
def optional_assert(x: Optional[Tensor]) -> int:
    assert x is None, "x must be left out"
    return 1


@fn(E(None), C(3), **RAISE)
def unwrap_none(x: Optional[int]) -> int:
    y = torch.jit._unwrap_optional(x)
    return y + 1


@fn(C(3), E("x"), E(2.5), **RAISE)
def any_to_int(value: Any) -> int:
    assert isinstance(value, int)
    return value + 1


@traced(C(T(2, 3)), E(T(2, 4)), E(T(2, 3, dtype="int64", init="ones")), **RAISE)
def traced_shape_error():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))), torch.randn(2, 3)


@fn(E(T(3), 0), E(T(3), 1), E(T(3), 2), E(T(3), 3), E(T(3), 4), E(T(3), 5), E(T(3), 6), E(T(3), 7), C(T(3), 8), **RAISE)
def operator_errors(x: Tensor, which: int) -> Tensor:
    if which == 0:
        return x.view(2, 2)
    elif which == 1:
        return x.transpose(0, 5)
    elif which == 2:
        return torch.cat([x, torch.ones(2, 2)])
    elif which == 3:
        return x.expand(2)
    elif which == 4:
        return torch.stack([x, torch.ones(4)])
    elif which == 5:
        return x.softmax(3)
    elif which == 6:
        return x.squeeze(0).narrow(0, 2, 5)
    elif which == 7:
        return torch.empty([0]).max()
    return x


@fn(E(T(2)), C(T(1)), **RAISE)
def bool_of_many(x: Tensor) -> int:
    if x > 0:
        return 1
    return 0


@fn(E(T(2, 3), 2), E(T(2, 3), 0), C(T(2, 3), 1), **RAISE)
def tensor_size_checks(x: Tensor, n: int) -> Tensor:
    torch._assert(n > 0, "n must be positive")
    assert x.size(0) % n == 0 and n < 2
    return x / n

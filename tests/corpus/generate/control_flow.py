"""Branches, loops, early returns, exceptions, with, fork and wait, recursion."""

from typing import Any, Dict, List, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor

from registry import fn, module, scripted
from values import C, D, E, L, T, Tup, data, ints, randint


@fn(C(T(3)), C(T(3, init="full", value=-1.0)), tags=("control",))
def if_on_tensor(x: Tensor) -> Tensor:
    if x.sum() > 0:
        y = x * 2
    else:
        y = -x
    return y


@fn(C(3), C(-3), C(0), C(100), tags=("control",))
def if_chain(n: int) -> Tuple[str, int]:
    if n > 50:
        name, size = "huge", 3
    elif n > 0:
        name = "positive"
        size = 2
    elif n == 0:
        name, size = "zero", 0
    else:
        name, size = "negative", 1
    return name, size


@fn(C(5), C(0), C(1), C(-3), tags=("control", "early return"))
def early_return(n: int) -> int:
    if n < 0:
        return -1
    total = 0
    for i in range(n):
        if i == 3:
            return total * 100
        total += i
    if total == 0:
        return 7
    return total


@fn(C(27), C(1), C(97), tags=("control", "loop"))
def collatz(n: int) -> Tuple[int, int]:
    steps, top = 0, n
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        top = max(top, n)
        steps += 1
    return steps, top


@fn(C(10), C(30), C(0), tags=("control", "loop"))
def break_and_continue(n: int) -> List[int]:
    out: List[int] = []
    for i in range(n):
        if i % 3 == 0:
            continue
        if i > 20:
            break
        for j in range(i):
            if j > 3:
                break
            if j == 1:
                continue
            out.append(i * 100 + j)
        else_ran = i
        if else_ran == 11:
            continue
        out.append(-i)
    return out


@fn(C(L("int", 3, 5, 7, 9), 7), C(L("int"), 7), C(L("int", 1), 7), tags=("control", "loop"))
def while_with_break(values: List[int], wanted: int) -> Tuple[int, bool]:
    i = 0
    found = False
    while True:
        if i >= len(values):
            break
        if values[i] == wanted:
            found = True
            break
        i += 1
    return i, found


@fn(C(T(2, 3)), C(T(0, 3)), C(T(3)), tags=("control", "loop"))
def loop_over_tensor(x: Tensor) -> Tensor:
    total = torch.zeros([])
    for row in x:
        total = total + row.sum() * (1 + row.dim())
    return total


@fn(C(3, 20, 4), C(20, 3, -4), C(0, 0, 1), E(0, 5, 0), tags=("control", "loop"))
def range_with_step(start: int, stop: int, step: int) -> List[int]:
    out: List[int] = []
    for i in range(start, stop, step):
        out.append(i)
    out += [i for i in range(2, 5)]
    return out


@fn(C(L("str", "a", "b", "c"), L("int", 1, 2)), C(L("str"), L("int", 1)), tags=("control", "loop"))
def enumerate_and_zip(names: List[str], numbers: List[int]) -> List[str]:
    out: List[str] = []
    for i, name in enumerate(names):
        out.append(name + str(i))
    for i, name in enumerate(names, 10):
        out.append(name + str(i))
    for name, number in zip(names, numbers):
        out.append(name + str(number * 2))
    for i, (name, number) in enumerate(zip(names, numbers)):
        out.append(name + str(number - i))
    for char in "xyz":
        out.append(char)
    return out


@fn(C(T(4, 4), 3), C(T(4, 4), 0), tags=("control", "loop"))
def loop_carried_types(x: Tensor, n: int) -> Tuple[Tensor, Optional[Tensor], List[Tensor]]:
    last: Optional[Tensor] = None
    kept: List[Tensor] = []
    for i in range(n):
        y = x[i] * i
        if last is not None:
            y = y + last
        kept.append(y)
        last = y
    return x, last, kept


@fn(C(4), C(0), E(-1), tags=("control", "raise"))
def raise_value_error(n: int) -> int:
    if n < 0:
        raise ValueError("n is negative: " + str(n))
    return n + 1


@fn(C(2), E(0), E(-1), E(10), E(11), tags=("control", "raise"))
def raise_kinds(n: int) -> int:
    if n == 0:
        raise RuntimeError("zero")
    elif n == 10:
        raise IndexError
    elif n == 11:
        raise NotImplementedError(f"no {n} yet", n)
    assert n > 0, f"expected more than 0, got {n}"
    return n


@fn(E(1), E(2), tags=("control", "raise"))
def always_raises(n: int) -> int:
    if n == 1:
        raise Exception("one")
    else:
        raise TypeError("not one")


@fn(C(T(3)), E(T(2)), E(T(3, 1)), tags=("control", "raise"))
def asserts(x: Tensor) -> Tensor:
    assert x.dim() == 1
    assert x.size(0) == 3, "wants three"
    return x + 1


@fn(C(T(3, 4), True), C(T(3, 4), False), tags=("control",))
def conditional_expressions(x: Tensor, flag: bool) -> Tuple[Tensor, int, float, str]:
    a = x if flag else -x
    b = 1 if flag and a.size(0) == 3 else 2 if not flag else 3
    c = 1.5 if flag or b > 1 else 2.5
    return a, b, c, "yes" if flag else "no"


@fn(C(None, 3), C(2, None), C(0, 0), C(5, 6), tags=("control", "optional"))
def refinement(a: Optional[int], b: Optional[int]) -> int:
    if a is None:
        return -1 if b is None else b
    if b is not None and b > 0:
        return a + b
    if a is not None and not (b is None):
        return a * 10
    c = a
    assert c is not None
    return c


@fn(C(1, 5, 3), C(1, 0, 3), C(3, 2, 1), tags=("control",))
def chained_comparison(a: int, b: int, c: int) -> Tuple[bool, bool, bool, bool]:
    return a < b < c, a <= b, a < b > c, not a == b != c


@fn(C(T(2)), C(T(2, init="full", value=-1.0)), tags=("control",))
def short_circuit(x: Tensor) -> Tuple[bool, bool, List[str]]:
    log: List[str] = []

    if bool(x[0] > 100) and len(log) > x[7].item():
        log.append("never")
    a = bool(x.sum() > 0) or bool(x[0] < 0)
    b = bool(x.sum() > 0) and bool(x[1] != 0)
    return a, b, log


@fn(C(6), C(0), tags=("control", "recursion"), name="mutual_calls")
def outer(n: int) -> int:
    return helper_twice(n) + helper_twice(n + 1)


def helper_once(n: int, step: int = 3) -> int:
    return n * step + 1


def helper_twice(n: int) -> int:
    return helper_once(helper_once(n), step=2)


@module(C(T(3)), C(T(3), method="recorded"), grad=True, tags=("control", "with"))
class NoGrad(nn.Module):
    """The weight requires grad; inside `no_grad` it does not count."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, bool]:
        with torch.no_grad():
            y = self.weight * x
        z = self.weight + x
        return y, z, y.requires_grad

    @torch.jit.export
    def recorded(self, x: Tensor) -> Tensor:
        with torch.autograd.profiler.record_function("corpus"):
            out = self.weight - x
        return out


@fn(C(T(3)), E(T(2)), C(T(3)), tags=("control", "with", "raise"))
def raise_inside_with(x: Tensor) -> Tuple[Tensor, bool]:
    with torch.no_grad():
        if x.size(0) != 3:
            raise ValueError("leaves the block by an error")
        y = x * 2
    return y, torch.is_grad_enabled()


@module(C(T(3)), C(T(3, seed=4)), tags=("control", "fork"))
class ForkAndWait(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.left = nn.Linear(3, 3)
        self.right = nn.Linear(3, 2)

    def branch(self, x: Tensor, times: int) -> Tensor:
        for _ in range(times):
            x = torch.tanh(self.left(x))
        return x

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        first = torch.jit.fork(self.branch, x, 3)
        second = torch.jit.fork(self.right, x)
        own = self.branch(x, 1)
        return torch.jit.wait(first), torch.jit.wait(second), own


def fork_leaf(x: Tensor, depth: int) -> Tensor:
    return x * depth + 1


def fork_node(x: Tensor, depth: int) -> Tensor:
    futures: List[torch.jit.Future[Tensor]] = []
    for i in range(3):
        futures.append(torch.jit.fork(fork_leaf, x, depth + i))
    total = torch.zeros_like(x)
    for future in futures:
        total = total + torch.jit.wait(future)
    return total


@fn(C(T(2), 8), tags=("control", "fork"))
def nested_forks(x: Tensor, n: int) -> List[Tensor]:
    futures: List[torch.jit.Future[Tensor]] = []
    for i in range(n):
        futures.append(torch.jit.fork(fork_node, x, i))
    return [torch.jit.wait(f) for f in futures]


def fails_in_fork(x: Tensor) -> Tensor:
    if x.size(0) > 2:
        raise ValueError("too long for a fork")
    return x


@fn(C(T(2)), E(T(3)), C(T(1)), tags=("control", "fork", "raise"))
def error_in_fork(x: Tensor) -> Tensor:
    future = torch.jit.fork(fails_in_fork, x)
    y = x + 1
    return torch.jit.wait(future) + y


@fn(C(3, T(2)), C("text", T(2)), C(2.5, T(2)), C(T(2), T(2)), C(None, T(2)), C(L("int", 1, 2), T(2)), tags=("control", "any"))
def isinstance_of_any(value: Any, x: Tensor) -> Tuple[str, Tensor]:
    if isinstance(value, int):
        return "int", x + value
    elif isinstance(value, str):
        return "str " + value, x
    elif isinstance(value, (float, bool)):
        if isinstance(value, float):
            return "float", x * value
        return "bool", x
    elif isinstance(value, Tensor):
        return "tensor", x - value
    elif value is None:
        return "none", x
    return "other", x


@fn(C(T(4, 5), 2), C(T(4, 5), 3), E(T(4, 5), 5), tags=("control", "loop"))
def nms_like(x: Tensor, keep: int) -> Tuple[Tensor, List[int]]:
    """Picks rows greedily, as detectors do: a data-dependent loop with in-place masking."""
    scores = x.sum(1)
    alive = torch.ones_like(scores, dtype=torch.bool)
    picked: List[int] = []
    while len(picked) < keep and bool(alive.any()):
        best = int(torch.where(alive, scores, torch.full_like(scores, -1e9)).argmax())
        picked.append(best)
        distance = (x - x[best]).norm(p=2, dim=1)
        alive[best] = False
        alive &= distance > 0.5
    if len(picked) < keep:
        raise RuntimeError("kept {} of {}".format(len(picked), keep))
    return x[torch.tensor(picked)], picked


@fn(C(8), tags=("control", "prints"))
def prints(n: int) -> int:
    print("n is", n)
    for i in range(2):
        print(i, float(i), i == 1, "text", [i, n], (i, "x"), torch.tensor([1.5, 2.0]))
    print()
    return n


@fn(C(1000), C(0), tags=("control", "loop"))
def long_scalar_loop(n: int) -> Tuple[int, float, bool]:
    a, b, c = 1, 0.5, False
    for i in range(n):
        a = (a * 31 + i) % 65537
        b = b * 0.99 + float(a) / 65537.0
        c = c != (a > 30000)
    return a, b, c


@fn(C(3), C(9), tags=("control", "loop"))
def variables_of_branches(n: int) -> Tuple[int, int]:
    """Names bound in loops and branches only, and rebound."""
    total = 0
    i = 5
    while i > 0:
        if n > i:
            inner = n - i
            total += inner
        elif n == i:
            inner = 0
        else:
            inner = -1
            if inner < -5:
                return inner, i
        total = total * 2 + inner
        i -= 1
    return total, i


@fn(C(T(3, 3), 0.5), C(T(3, 3), 50.0), tags=("control", "loop"))
def newton_loop(x: Tensor, tolerance: float) -> Tuple[Tensor, int]:
    """Iterates until the change is small: float compared with an item."""
    a = x @ x.t() + torch.eye(3) * 3
    y = a / a.norm() ** 2
    count = 0
    change = 1e9
    while change > tolerance and count < 20:
        new = y @ (2.0 * torch.eye(3) - a @ y)
        change = (new - y).abs().max().item()
        y = new
        count += 1
    return y, count

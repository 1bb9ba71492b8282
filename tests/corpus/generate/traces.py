"""Traces of functions and modules: sizes that were recorded, scripted parts inside, outputs of every structure."""

from typing import Dict, List, NamedTuple, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from registry import add, Program, scripted, traced
from values import C, D, E, L, T, Tup, arg, data, ints, randint

TRACE = {"tags": ("trace",)}


@traced(C(T(3, 4)), C(T(5, 2)), E(T(2, 3, 4)), **TRACE)
def trace_function():
    def square(x):
        y = x @ x.t()
        return y.sum(0) + x.mean(), y

    return square, torch.randn(3, 4)


@traced(C(T(3, 4), T(4, seed=1)), **TRACE)
def trace_two_inputs():
    return lambda x, y: (x + y, x - y, [x * y, y]), (torch.randn(3, 4), torch.randn(4))


@traced(C(T(2, 3, 4)), C(T(5, 3, 4)), E(T(2, 3)), **TRACE)
def trace_sizes():
    """Sizes are recorded as operations, so other batches work."""

    def function(x):
        b, c, w = x.shape
        y = x.view(b, c * w)
        z = torch.zeros(b, x.size(1))
        return y.reshape(b * c, w), z + y[:, :c], torch.arange(x.shape[0]), x.new_zeros(b), y.expand(2, b, c * w), x.shape[0] * torch.ones(b)

    return function, torch.randn(2, 3, 4)


@traced(C(T(4, 5)), C(T(6, 5)), **TRACE)
def trace_indexing():
    def function(x):
        y = x.clone()
        y[0] = 1.0
        y[1:3, ::2] = x[1:3, ::2] * 10
        y[:, 1] += 5
        index = torch.tensor([0, 2])
        y[index] = y[index] * 2
        return y, x[..., -1], x[:, None, 2], x[x > 0], x[index, :][:, index], x[0:-1]

    return function, torch.randn(4, 5)


@traced(C(T(3)), **TRACE)
def trace_in_place():
    def function(x):
        x.add_(1)
        y = x.view(3, 1)
        y.mul_(2)
        x[0] = -1.0
        return x, y

    return function, torch.randn(3)


@traced(C(Tup(T(2), T(2, seed=1)), D("str", "Tensor", ["a", T(2, seed=2)], ["b", T(2, seed=3)])), **TRACE)
def trace_structures_in():
    class Model(nn.Module):
        def forward(self, pair, table):
            return pair[0] * table["a"] + pair[1] * table["b"]

    return Model(), ((torch.ones(2), torch.ones(2)), {"a": torch.ones(2), "b": torch.ones(2)})


class Out(NamedTuple):
    loss: Tensor
    parts: Tensor


@traced(C(T(2)), **TRACE)
def trace_structures_out():
    class Model(nn.Module):
        def forward(self, x):
            return {"y": x * 2, "z": x + 1}, (x, (x * 3, [x - 1, x]))

    return Model(), torch.randn(2)


@traced(C(T(2)), **TRACE)
def trace_dict_out():
    return lambda x: {"first": x * 2, "second": x.sum()}, torch.randn(2)


@traced(C(T(2)), **TRACE)
def trace_named_tuple_out():
    return lambda x: Out(x.sum(), x * 2), torch.randn(2)


@torch.jit.script
def scripted_part(x: Tensor, limit: float) -> Tensor:
    while bool(x.norm() < limit):
        x = x * 2
    if bool(x[0] > 0):
        return x
    return -x


@traced(C(T(3)), C(T(3, std=20.0)), C(T(3, init="full", value=-0.5)), **TRACE)
def trace_calls_script():
    return lambda x: scripted_part(x + 1, 10.0) - 1, torch.randn(3)


class ScriptedGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(3, 3)
        self.calls: int = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if bool(x.sum() > 0):
            return self.gate(x)
        return x * self.calls


@traced(C(T(2, 3)), C(T(2, 3, init="full", value=-1.0)), C(T(2, 3)), tags=("trace", "state"))
def trace_holds_scripted_module():
    torch.manual_seed(0)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.Linear(3, 3)
            self.gate = torch.jit.script(ScriptedGate())

        def forward(self, x):
            return self.gate(torch.tanh(self.up(x)) + x)

    return Model(), torch.ones(2, 3)


@scripted(C(T(2, 3), 2), C(T(2, 3), 0), tags=("trace", "script"))
def script_holds_traced_module():
    torch.manual_seed(0)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = torch.jit.trace(nn.Sequential(nn.Linear(3, 3), nn.Tanh()), torch.randn(2, 3))

        def forward(self, x: Tensor, n: int) -> Tensor:
            for _ in range(n):
                x = self.cell(x)
            return x

    return torch.jit.script(Model())


def trace_methods():
    torch.manual_seed(0)

    class Codec(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.Linear(3, 5)
            self.down = nn.Linear(5, 3)

        def forward(self, x):
            return self.decode(self.encode(x))

        def encode(self, x):
            return torch.relu(self.up(x))

        def decode(self, y):
            return self.down(y)

    x, y = torch.randn(2, 3), torch.randn(2, 5)
    return torch.jit.trace_module(Codec(), {"forward": x, "encode": x, "decode": y}, check_trace=False)


add(Program("trace_several_methods", trace_methods,
            [C(T(2, 3)), C(T(4, 3), method="encode"), C(T(4, 5), method="decode"), E(T(2, 5), method="encode")], how="trace", tags=("trace", "methods")))


@traced(C(T(2, 3)), **TRACE)
def trace_constants():
    table = torch.arange(6.0).view(2, 3)
    scale = torch.tensor(2.0, dtype=torch.float64)
    return lambda x: (x + table, table, scale * x, torch.tensor([1, 2]), torch.full((2,), 3.5), x.size(0)), torch.randn(2, 3)


@traced(C(T(2, 3)), tags=("trace", "random"))
def trace_factories():
    def function(x):
        return x + torch.rand(2, 3), torch.randn_like(x), torch.ones(2, dtype=torch.int32), torch.zeros_like(x, dtype=torch.float64), torch.eye(2), torch.linspace(0, 1, 3), torch.tensor([1.0])

    return function, torch.randn(2, 3)


@traced(C(T(2, 3, 8, 8)), fill=True, **TRACE)
def trace_cnn():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4), nn.Softmax(1)).eval(), torch.randn(2, 3, 8, 8)


@traced(C(T(4, 3, 5)), tags=("trace", "training"))
def trace_batch_norm_training():
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()).train(), torch.randn(4, 3, 5)


@traced(C(T(2, 3)), **TRACE)
def trace_shared_module():
    torch.manual_seed(0)
    shared = nn.Linear(3, 3)
    tied = nn.Linear(3, 3)
    tied.weight = shared.weight
    return nn.Sequential(shared, nn.ReLU(), shared, tied, shared), torch.randn(2, 3)


@traced(C(T(2, 3)), C(T(7, 3)), **TRACE)
def trace_baked_loop():
    """The loop's count is what it was when traced: the peer's result is baked, too."""

    def function(x):
        for i in range(x.size(0)):
            x = x + i
        if x.sum() > 0:
            return x * 2
        return x

    return function, torch.randn(2, 3)


@traced(C(T(4, 3)), tags=("trace", "fork"))
def trace_fork():
    def branch(x):
        return torch.tanh(x) * 2

    def function(x):
        future = torch.jit.fork(branch, x + 1)
        y = x * 3
        return torch.jit.wait(future) + y

    return function, torch.randn(4, 3)


@traced(C(T(1, 3, 6, 6), ints(1, 0)), C(T(1, 3, 9, 7), ints(2, 2)), **TRACE)
def trace_interpolate():
    def function(x, y):
        up = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        down = F.interpolate(up, size=x.shape[2:], mode="nearest")
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return up, down, padded, x[:, y], torch.cat([x, down], 1)

    return function, (torch.randn(1, 3, 6, 6), torch.tensor([0, 1]))


@traced(C(T(2, 6)), **TRACE)
def trace_chunks():
    def function(x):
        a, b, c = x.chunk(3, 1)
        d, e = x.split([2, 4], 1)
        first, second = x.unbind(0)
        values, index = x.topk(2)
        return a * b + c, d.sum() + e, first - second, values, index, torch.stack([a, b]).max(0), x.sort(1)

    return function, torch.randn(2, 6)


@traced(C(T(3, dtype="float16")), C(T(3, dtype="float16")), **TRACE, tolerance={"rtol": 1e-2, "atol": 1e-2})
def trace_casts():
    return lambda x: (x.float() * 2, x.to(torch.float64), x.to(torch.int32), x.half(), (x > 0).float(), x.type(torch.FloatTensor)), torch.randn(3).half()

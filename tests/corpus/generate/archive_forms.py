"""Archives whose form matters: as torch wrote them, from a buffer, with extra files, for mobile, of equal class names."""

import pathlib
import sys
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor

from registry import add, fn, module, Program, scripted
from values import C, D, E, L, T, Tup, data, ints, result

VERBATIM = {"storage": "verbatim"}


@module(C(T(1, 3, 8, 8)), C(T(2, 3, 8, 8)), tags=("archive", "stored"), **VERBATIM)
class StoredConvNet(nn.Module):
    """Members stored and aligned: the weights can be used in place."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3))
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean([2, 3]))


@module(C(T(3)), C(T(3)), tags=("archive", "stored", "state"), **VERBATIM)
class StoredState(nn.Module):
    """Writes to weights that may be mapped from the file: the file must not change."""

    def __init__(self):
        super().__init__()
        base = torch.arange(6.0)
        self.register_buffer("low", base[:3])
        self.register_buffer("high", base[3:])
        self.counts = {"n": 0}

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, int]:
        self.low += x
        self.high.mul_(2.0)
        self.counts["n"] += 1
        return self.low, self.high, self.counts["n"]


@module(C(T(4)), C(T(4), method="scaled", kwargs={"by": 2.0}), tags=("archive", "stored", "dtype"), **VERBATIM)
class StoredDtypes(nn.Module):
    """One storage of each dtype, some empty, some with an offset."""

    def __init__(self):
        super().__init__()
        for name in "float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128".split():
            self.register_buffer("t_" + name, torch.arange(4).to(getattr(torch, name)))
        self.register_buffer("empty", torch.zeros(0, 3))
        self.register_buffer("scalar", torch.tensor(5))
        self.register_buffer("part", torch.arange(100.0)[50:54])
        self.register_buffer("strided", torch.arange(24.0).view(2, 3, 4).permute(2, 0, 1))

    def forward(self, x: Tensor):
        return (x + self.t_float64, x.half() + self.t_float16, self.t_bfloat16, self.t_int64, self.t_int32, self.t_int16, self.t_int8, self.t_uint8, self.t_bool, self.t_complex64, self.t_complex128, self.empty,
                self.scalar, self.part, self.strided)

    @torch.jit.export
    def scaled(self, x: Tensor, by: float) -> Tensor:
        return x * self.part * by


@module(C(T(2)), tags=("archive", "extra files"), extra_files={"labels.txt": "cat\ndog\n", "meta/config.json": "{\"size\": 2}", "empty": ""})
class ExtraFiles(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


@module(C(T(2)), tags=("archive", "extra files", "stored"), extra_files={"producer_info.json": "{}", "ünï": "text ünï"}, **VERBATIM)
class ExtraFilesStored(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - 1


@module(C(method="answer"), E(method="forward"), tags=("archive",))
class NoForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 42

    @torch.jit.export
    def answer(self) -> int:
        return self.n


@module(C(), tags=("archive",))
class OnlyConstants(nn.Module):
    def forward(self):
        return 1, 2.5, "three", None, [4], torch.ones(2)


@module(C(T(2, 4)), fill=True, tags=("archive", "no debug"), drop_debug=True)
class WithoutSourceRanges(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@module(C(T(2, 3)), E(T(2, 4)), tags=("archive", "no debug", "raise"), drop_debug=True)
class ErrorWithoutSourceRanges(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        return self.linear(y)


@module(C(T(2, 3)), C(T(2, 3), method="other"), mobile=True, tags=("archive", "mobile"))
class MobileModule(nn.Module):
    """Written for the lite interpreter: bytecode.pkl beside code/."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 2)
        self.names = {"a": 1}

    def forward(self, x: Tensor) -> Tuple[Tensor, Dict[str, int]]:
        out = self.linear(x)
        for i in range(3):
            if i == 1:
                out = out + i
        return out, self.names

    @torch.jit.export
    def other(self, x: Tensor) -> Tensor:
        return x.relu()


@module(C(T(1, 3, 6, 6)), mobile=True, fill=True, extra_files={"note.txt": "mobile"}, tags=("archive", "mobile", "extra files"))
class MobileConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.hardswish(self.conv(x))


def equal_names(which):
    def build():
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "same_name" / which))
        import geometry

        return torch.jit.script(geometry.Model())

    return build


for _which in ("one", "two"):
    add(Program(f"same_name_{_which}", equal_names(_which),
                [C(1.5), C(result(0, 0), method="take"), C(-2.0), C(result(2, 0), method="take"), C(result(0, 0), method="take")], tags=("archive", "class", "same name")))


@scripted(C(T(2)), tags=("archive", "large"))
def many_members():
    """Five hundred small tensors and a hundred submodules."""

    class Leaf(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.weight = nn.Parameter(torch.full((2,), float(n) / 100))
            for i in range(4):
                self.register_buffer(f"b{i}", torch.tensor(float(i)))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.weight + self.b0 - self.b1 * self.b2 + self.b3

    class Tree(nn.Module):
        def __init__(self):
            super().__init__()
            self.leaves = nn.ModuleList([Leaf(i) for i in range(100)])

        def forward(self, x: Tensor) -> Tensor:
            for leaf in self.leaves:
                x = leaf(x)
            return x

    return torch.jit.script(Tree())


def long_function_source(count):
    lines = ["def forward(self, x: Tensor) -> Tensor:"]
    for i in range(count):
        lines.append(f"    x{i} = torch.add({'x' if i == 0 else f'x{i - 1}'}, {i})")
        if i % 10 == 9:
            lines.append(f"    if bool(x{i}.sum() > 1e9):")
            lines.append(f"        x{i} = x{i} - 1")
    lines.append(f"    return x{count - 1}")
    return "\n".join(lines) + "\n"


@scripted(C(T(2)), tags=("archive", "long"))
def long_function():
    made = torch.jit.ScriptModule()
    made.define(long_function_source(500))
    return made


@scripted(C(3), C(0), tags=("archive", "long"))
def deep_blocks():
    """Thirty ifs and loops inside one another, and an expression of two hundred operands."""
    made = torch.jit.ScriptModule()
    lines = ["def forward(self, n: int) -> int:", "    total = 0"]
    for depth in range(30):
        pad = "    " * (depth + 1)
        lines.append(pad + (f"if n > {depth - 40}:" if depth % 3 else "for i" + str(depth) + " in range(1):"))
    lines.append("    " * 31 + "total += n")
    lines.append("    return total + " + " + ".join(["n"] * 200))
    made.define("\n".join(lines) + "\n")
    return made

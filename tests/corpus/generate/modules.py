"""Modules: attributes and constants of all types, sharing, lists and dicts of modules, hooks, exported methods."""

from collections import OrderedDict
from typing import Dict, Final, List, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor

from registry import fn, module, scripted
from values import C, D, E, L, T, Tup, data, device, dtype, ints


@module(C(T(2, 3)), C(T(2, 3), method="other", kwargs={"scale": 3.0}), E(T(2, 3), method="other"), C(method="sizes"),
        E(T(2, 3), T(2, 3)), E(T(2, 4)), E(3), tags=("module", "methods"))
class ExportedMethods(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.hidden(x) + 1

    def hidden(self, x: Tensor) -> Tensor:
        return self.linear(x)

    @torch.jit.export
    def other(self, x: Tensor, scale: float, shift: int = 2, name: str = "other") -> Tuple[Tensor, str]:
        return self.hidden(x) * scale + shift, name

    @torch.jit.export
    def sizes(self) -> List[int]:
        return self.linear.weight.size() + self.linear.bias.size()

    @torch.jit.ignore
    def left_out(self, x):
        return None

    @torch.jit.unused
    def unused(self, x: Tensor) -> Tensor:
        import math
        return x + math.pi


@module(C(1), C(2), tags=("module", "attributes"))
class AttributesOfAllTypes(nn.Module):
    n: int
    names: Dict[str, int]
    by_int: Dict[int, Tensor]
    maybe: Optional[Tensor]
    nothing: Optional[int]
    nested: List[Tuple[int, str]]
    floats: List[float]
    matrix: List[List[int]]
    pair: Tuple[int, Tensor]
    empty: List[str]
    table: Dict[str, List[Tensor]]

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.n = 5
        self.x = 2.5
        self.flag = True
        self.text = "texte ünï"
        self.names = {"b": 2, "a": 1}
        self.by_int = {3: torch.ones(2), -1: torch.zeros(1)}
        self.maybe = torch.arange(3)
        self.nothing = None
        self.nested = [(1, "one"), (2, "two")]
        self.floats = [1.0, float("inf"), -0.5]
        self.matrix = [[1, 2], [3]]
        self.pair = (4, torch.tensor([7.0]))
        self.empty = []
        self.table = {"t": [torch.ones(1), torch.zeros(2)]}
        self.device = torch.device("cpu")
        self.dtype = torch.float64
        self.big = 2**40
        self.negative = -(2**33)
        self.complex = complex(1.0, -2.0)

    def forward(self, n: int):
        maybe = self.maybe
        y = torch.zeros(2, dtype=self.dtype, device=self.device) + self.x
        if maybe is not None:
            y = y + maybe.sum()
        if self.nothing is not None:
            y = y * 0
        z = self.pair[1] * self.pair[0] + len(self.text) + len(self.empty)
        self.names["n"] = n
        self.nested.append((n, self.text))
        self.by_int[n] = y
        return (y, z, self.names, self.by_int, self.nested, self.floats, self.matrix, self.table, self.device, self.flag, self.big,
                self.negative, self.complex, self.nothing)


@module(C(T(2)), tags=("module", "constants"))
class Constants(nn.Module):
    COUNT: Final[int] = 3
    NAME: Final[str] = "constant"
    RATE: Final[float]
    STEPS: Final[List[int]]
    __constants__ = ["ends", "mode", "none"]

    def __init__(self):
        super().__init__()
        self.RATE = 0.25
        self.STEPS = [1, 2, 3]
        self.ends = (1, "x", (2.5, True))
        self.mode = "fast"
        self.none = None
        self.scale = torch.tensor([10.0, 20.0])

    def forward(self, x: Tensor):
        for i in range(self.COUNT):
            x = x + i * self.RATE
        if self.mode == "fast":
            x = x * self.scale
        else:
            raise RuntimeError("not this branch")
        if self.none is None:
            x = x - 1
        return x, self.NAME, self.STEPS, self.ends


@module(C(T(2)), tags=("module", "constants"))
class TensorConstants(nn.Module):
    """Tensors written in the code: the archive's constants.pkl."""

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        return x + torch.tensor([1.0, 2.0]), torch.tensor([[1, 2], [3, 4]]), torch.tensor(3.5) * torch.tensor([True, False])


class Block(nn.Module):
    def __init__(self, n: int):
        super().__init__()
        self.linear = nn.Linear(n, n)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.linear(x))


@module(C(T(2, 3)), C(T(2, 3), method="change"), C(T(2, 3)), tags=("module", "shared"))
class SharedSubmodules(nn.Module):
    """One block under three names and a weight tied to another's; a change through one is seen by all."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = Block(3)
        self.again = self.first
        self.parts = nn.ModuleList([Block(3), self.first, Block(3)])
        self.parts[2].linear.weight = self.first.linear.weight
        self.bias = self.first.linear.bias

    def forward(self, x: Tensor) -> Tensor:
        x = self.again(self.first(x))
        for part in self.parts:
            x = part(x)
        return x + self.bias

    @torch.jit.export
    def change(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.first.linear.weight.mul_(2.0)
            self.again.linear.bias.add_(1.0)
        return self.forward(x)


@module(C(T(2, 3)), tags=("module", "shared", "aliasing"))
class SharedStorages(nn.Module):
    """Buffers that are views of one storage: the file holds it once."""

    def __init__(self):
        super().__init__()
        base = torch.arange(12.0)
        self.register_buffer("whole", base.view(3, 4))
        self.register_buffer("row", base[4:8])
        self.register_buffer("column", base.view(3, 4)[:, 1])
        self.register_buffer("transposed", base.view(3, 4).t())
        self.views = [base[:2], base[10:]]
        self.number = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor):
        self.row.add_(1.0)
        self.views[0].mul_(10.0)
        return self.whole, self.row, self.column, self.transposed, self.views[0], x @ self.whole * self.number


@module(C(T(2, 3)), C(T(2, 3), method="pick", kwargs={"name": "b"}), E(T(2, 3), method="pick", kwargs={"name": "zzz"}), tags=("module", "containers"))
class ContainersOfModules(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.items = nn.ModuleList([nn.Linear(3, 3), nn.ReLU(), Block(3)])
        self.named = nn.ModuleDict({"b": nn.Linear(3, 3), "a": nn.Sigmoid(), "c": Block(3)})
        self.row = nn.Sequential(OrderedDict([("up", nn.Linear(3, 5)), ("act", nn.Tanh()), ("down", nn.Linear(5, 3))]))
        self.weights = nn.ParameterList([nn.Parameter(torch.ones(3)), nn.Parameter(torch.full((3,), 2.0))])
        self.by_name = nn.ParameterDict({"k": nn.Parameter(torch.zeros(3)), "l": nn.Parameter(torch.ones(3))})

    def forward(self, x: Tensor) -> Tuple[Tensor, List[str], int]:
        names: List[str] = []
        for i, item in enumerate(self.items):
            x = item(x) + i
        for name, part in self.named.items():
            names.append(name)
            x = part(x)
        for weight in self.weights:
            x = x * weight
        x = self.row(x) + self.items[0](x) + self.row[0](x)[:, :3] + self.by_name["l"]
        for item in self.items[1:]:
            x = item(x)
        return x, names, len(self.items) + len(self.row)

    @torch.jit.export
    def pick(self, x: Tensor, name: str) -> Tensor:
        found = False
        for key, part in self.named.items():
            if key == name:
                x = part(x)
                found = True
        if not found:
            raise KeyError(name)
        return x


def add_one_before(self, inputs: Tuple[Tensor]) -> Tuple[Tensor]:
    return (inputs[0] + 1,)


def double_after(self, inputs: Tuple[Tensor], output: Tensor) -> Tensor:
    return output * 2 + inputs[0].sum()


def look_only(self, inputs: Tuple[Tensor], output: Tensor) -> None:
    print("hook saw", output.dim())


@scripted(C(T(2, 3)), tags=("module", "hooks", "prints"))
def hooks():
    class Hooked(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.inner = Block(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) - self.inner.forward(x)

    made = Hooked().eval()
    made.inner.register_forward_pre_hook(add_one_before)
    made.inner.register_forward_hook(double_after)
    made.inner.register_forward_hook(look_only)
    made.register_forward_pre_hook(add_one_before)
    made.register_forward_hook(double_after)
    return torch.jit.script(made)


def check_sign(self, inputs: Tuple[Tensor, str]) -> Tuple[Tensor, str]:
    if bool(inputs[0].sum() < 0):
        raise ValueError("hook refuses " + inputs[1])
    return inputs[0], inputs[1] + "!"


@scripted(C(T(2, init="ones"), "a"), E(T(2, init="full", value=-1.0), "b"), tags=("module", "hooks", "raise"))
def hook_that_raises():
    class Greeter(nn.Module):
        def forward(self, x: Tensor, name: str) -> Tuple[Tensor, str]:
            return x * 2, name + "?"

    class Room(nn.Module):
        def __init__(self):
            super().__init__()
            self.greeter = Greeter()
            self.greeter.register_forward_pre_hook(check_sign)

        def forward(self, x: Tensor, name: str) -> Tuple[Tensor, str]:
            return self.greeter(x, name)

    return torch.jit.script(Room())


@module(C(T(1, 3)), C(T(1, 3), before="train"), C(T(1, 3), before="eval"), tags=("module",))
class TrainingFlag(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tuple[Tensor, bool]:
        if self.training:
            x = x * 10
        return self.drop(x), self.drop.training


@module(C(T(2)), tags=("module", "names"))
class OddNames(nn.Module):
    """Submodules and attributes whose names are no identifiers."""

    def __init__(self):
        super().__init__()
        self.add_module("0", nn.ReLU())
        self.add_module("with space", nn.Identity())
        self.add_module("été", nn.Identity())
        self.add_module("with-dash", nn.Identity())
        self.register_buffer("1", torch.ones(2))
        self.self_ = nn.Tanh()
        self.lambda_ = 3
        self._hidden_ = 4
        self.str = "attribute"

    def forward(self, x: Tensor, in_: int = 1) -> Tensor:
        len_ = self.lambda_ + self._hidden_ + len(self.str)
        return self.self_(x) * len_ + in_


@module(C(T(2)), C(T(2)), tags=("module", "properties"))
class Properties(nn.Module):
    def __init__(self):
        super().__init__()
        self._scale = 1.0

    @property
    def scale(self) -> float:
        return self._scale * 2

    @scale.setter
    def scale(self, value: float) -> None:
        self._scale = value

    def forward(self, x: Tensor) -> Tuple[Tensor, float]:
        self.scale = self.scale + 0.5
        return x * self.scale, self._scale


class Deep(nn.Module):
    def __init__(self, depth: int):
        super().__init__()
        if depth:
            self.inner = Deep(depth - 1)
        else:
            self.inner = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + 1


@scripted(C(T(2, 3)), E(T(2, 5)), tags=("module", "deep", "raise"))
def deep_nesting():
    torch.manual_seed(0)
    return torch.jit.script(Deep(20).eval())


@module(C(T(2, 3)), tags=("module", "parameters"), grad=True)
class FrozenAndMissing(nn.Module):
    """A parameter without gradient, one that is None, a buffer that is None."""

    bias: Optional[Tensor]

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.frozen = nn.Parameter(torch.randn(3, 3), requires_grad=False)
        self.live = nn.Parameter(torch.randn(3, 3))
        self.register_parameter("bias", None)
        self.register_buffer("table", None)
        self.linear = nn.Linear(3, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.frozen + x @ self.live
        bias = self.bias
        if bias is not None:
            y = y + bias
        return self.linear(y)


@module(C(T(2, 3)), tags=("module", "freeze"), name="frozen_module")
class ToFreeze(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.block = Block(3)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.block(x))


@scripted(C(T(2, 3)), C(T(2, 3), method="kept"), tags=("module", "freeze"))
def frozen():
    """torch.jit.freeze: weights become constants of the code."""

    class Model(ToFreeze):
        @torch.jit.export
        def kept(self, x: Tensor) -> Tensor:
            return self.block(x) * 2

    return torch.jit.freeze(torch.jit.script(Model().eval()), preserved_attrs=["kept"])


@scripted(C(T(1, 3, 8, 8)), tags=("module", "freeze"))
def frozen_conv_bn():
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1)).eval()
    return torch.jit.freeze(torch.jit.script(made))


@scripted(C(T(2), 3), C(T(2), 3, method="second"), E(T(2), "x"), tags=("module", "source"))
def defined_from_source():
    """A module without a Python class, its methods given as text."""
    made = torch.jit.ScriptModule()
    made.define("""
        def second(self, x: Tensor, n: int = 1) -> Tensor:
            return x * n - 1

        def forward(self, x: Tensor, n: int) -> Tensor:
            y = self.second(x)
            for i in range(n):
                y = y + self.second(y, i)
            return y
    """)
    return made


@module(C(T(2)), C(T(2)), tags=("module", "static"))
class StaticAndClassMembers(nn.Module):
    SCALE: Final[float] = 4.0

    @staticmethod
    def twice(x: Tensor) -> Tensor:
        return x * 2

    def forward(self, x: Tensor) -> Tensor:
        return self.twice(x) + self.SCALE


@module(C(T(2, 3)), E(T(3, 2)), tags=("module", "overload"))
class Overloads(nn.Module):
    """`fn` with overloads: each compiled under a name of its own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor):
        return overloaded(x), overloaded(3), overloaded("s"), x * self.weight


@torch.jit._overload  # noqa
def overloaded(x: int) -> int:  # noqa
    pass


@torch.jit._overload  # noqa
def overloaded(x: Tensor) -> Tensor:  # noqa
    pass


@torch.jit._overload  # noqa
def overloaded(x: str) -> str:  # noqa
    pass


def overloaded(x):  # noqa
    return x + x

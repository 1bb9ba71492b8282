"""Script classes, enums, interfaces, unions."""

from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
import torch.nn as nn
from torch import Tensor

from registry import fn, module
from values import C, D, E, L, T, Tup, data, ints, result


@torch.jit.script
class Vector:
    """Magic methods of every kind."""

    def __init__(self, x: float, y: float):
        self.x = x
        self.y = y

    def __add__(self, other: "Vector") -> "Vector":
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other: "Vector") -> "Vector":
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, factor: float) -> "Vector":
        return Vector(self.x * factor, self.y * factor)

    def __neg__(self) -> "Vector":
        return Vector(-self.x, -self.y)

    def __eq__(self, other: "Vector") -> bool:
        return self.x == other.x and self.y == other.y

    def __ne__(self, other: "Vector") -> bool:
        return not (self == other)

    def __lt__(self, other: "Vector") -> bool:
        return self.norm() < other.norm()

    def __getitem__(self, i: int) -> float:
        if i == 0:
            return self.x
        elif i == 1:
            return self.y
        raise IndexError("a vector has two parts")

    def __setitem__(self, i: int, value: float) -> None:
        if i == 0:
            self.x = value
        else:
            self.y = value

    def __contains__(self, value: float) -> bool:
        return self.x == value or self.y == value

    def __len__(self) -> int:
        return 2

    def __str__(self) -> str:
        return "<" + str(self.x) + " " + str(self.y) + ">"

    def norm(self) -> float:
        return (self.x * self.x + self.y * self.y) ** 0.5

    @property
    def product(self) -> float:
        return self.x * self.y

    @staticmethod
    def unit() -> "Vector":
        return Vector(1.0, 0.0)


@fn(C(3.0, 4.0, 1), E(3.0, 4.0, 2), C(0.0, 1.0, 0), tags=("class", "magic"))
def vector_math(x: float, y: float, i: int):
    a = Vector(x, y)
    b = a + Vector.unit() * 2.0 - Vector(0.5, 0.5)
    c = -b
    c[1] = 100.0
    items = [c, a, b]
    items.sort()
    return a == b, a != b, a < b, c[0], a[i], 3.0 in a, len(a), str(c), a.norm(), b.product, items[0].x, a.x


@fn(C(1.0), tags=("class",))
def class_in_containers(x: float) -> Tuple[List[Vector], Dict[str, Vector], Optional[Vector], Vector]:
    items: List[Vector] = []
    for i in range(3):
        items.append(Vector(x * i, float(i)))
    found: Optional[Vector] = None
    for v in items:
        if v.y > 0.5 and found is None:
            found = v
    if found is not None:
        found.x += 10.0
    table = {"first": items[0], "same": items[1]}
    table["same"].y = -1.0
    return items, table, found, items[0] + items[1]


@torch.jit.script
class Accumulator:
    def __init__(self, size: int):
        self.total = torch.zeros(size)
        self.count = 0
        self.history: List[Tensor] = []
        self.names: Dict[str, int] = {}
        self.last = torch.jit.annotate(Optional[Tensor], None)

    def add(self, x: Tensor, name: str = "x") -> "Accumulator":
        self.total += x
        self.count += 1
        self.history.append(x)
        self.names[name] = self.count
        self.last = x
        return self

    def mean(self) -> Tensor:
        if self.count == 0:
            raise ZeroDivisionError("nothing was added")
        return self.total / self.count


@fn(C(T(2), 3), C(T(2), 1), E(T(2), 0), E(T(3), 1), tags=("class", "raise"))
def accumulator(x: Tensor, n: int):
    acc = Accumulator(2)
    for i in range(n):
        acc.add(x * i, name="n" + str(i)).add(x)
    return acc.mean(), acc.count, acc.names, len(acc.history), acc.last


@module(C(T(2), method="make"), C(result(0), T(2, seed=1), method="use"), C(result(0), T(2, seed=2), method="use"), C(T(2)), C(method="shared"),
        tags=("class", "state"))
class ObjectsComeAndGo(nn.Module):
    """An object leaves the module by one call and comes back by the next."""

    kept: Optional[Accumulator]

    def __init__(self):
        super().__init__()
        self.kept = None

    @torch.jit.export
    def make(self, x: Tensor) -> Accumulator:
        acc = Accumulator(2).add(x)
        self.kept = acc
        return acc

    @torch.jit.export
    def use(self, acc: Accumulator, x: Tensor) -> Tuple[Tensor, int]:
        acc.add(x, "again")
        return acc.mean(), acc.count

    @torch.jit.export
    def shared(self) -> int:
        kept = self.kept
        return -1 if kept is None else kept.count

    def forward(self, x: Tensor) -> Tensor:
        kept = self.kept
        assert kept is not None
        return kept.mean() + x


class Color(Enum):
    RED = 1
    GREEN = 2
    BLUE = 7


class Mode(Enum):
    FAST = "fast"
    EXACT = "exact"


class Rate(Enum):
    LOW = 0.5
    HIGH = 2.0


@fn(C(1), C(7), C(4), tags=("enum",))
def enum_int(n: int):
    found: Optional[Color] = None
    for c in Color:
        if c.value == n:
            found = c
    name = "none"
    is_red = False
    if found is not None:
        name = found.name
        is_red = found == Color.RED
    return name, Color.RED == Color.GREEN, Color.BLUE.value, [c.name for c in Color], is_red, Color.RED is Color.RED


@module(C(T(2), True), C(T(2), False), C(method="describe"), tags=("enum",))
class EnumAttributes(nn.Module):
    def __init__(self):
        super().__init__()
        self.mode = Mode.EXACT
        self.rate = Rate.HIGH
        self.table: Dict[str, Color] = {"a": Color.RED, "b": Color.BLUE}

    def scale(self, mode: Mode) -> float:
        if mode == Mode.FAST:
            return 1.0
        return self.rate.value

    def forward(self, x: Tensor, fast: bool) -> Tuple[Tensor, Mode, List[Color]]:
        mode = Mode.FAST if fast else self.mode
        return x * self.scale(mode), mode, [c for c in self.table.values()]

    @torch.jit.export
    def describe(self) -> str:
        return self.mode.name + self.mode.value + str(self.rate.value) + self.table["b"].name


@torch.jit.interface
class Shape:
    def area(self, scale: float) -> float:
        pass

    def name(self) -> str:
        pass


@torch.jit.script
class Square:
    def __init__(self, side: float):
        self.side = side

    def area(self, scale: float) -> float:
        return self.side * self.side * scale

    def name(self) -> str:
        return "square"


@torch.jit.script
class Circle:
    def __init__(self, radius: float):
        self.radius = radius
        self.calls = 0

    def area(self, scale: float) -> float:
        self.calls += 1
        return 3.0 * self.radius * self.radius * scale

    def name(self) -> str:
        return "circle" + str(self.calls)


def total_area(shapes: List[Shape], scale: float) -> Tuple[float, List[str]]:
    total = 0.0
    names: List[str] = []
    for shape in shapes:
        total += shape.area(scale)
        names.append(shape.name())
    return total, names


@fn(C(2.0), tags=("interface",))
def class_interface(x: float) -> Tuple[float, List[str]]:
    shapes: List[Shape] = []
    shapes.append(Square(x))
    shapes.append(Circle(1.0))
    shapes.append(Square(x + 1.0))
    return total_area(shapes, 0.5)


@torch.jit.interface
class Block(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class Doubling(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class Shifting(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor([1.0, -1.0]))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift


@module(C(T(2), 0), C(T(2), 1), E(T(3), 1), tags=("interface",))
class ModuleInterface(nn.Module):
    block: Block

    def __init__(self):
        super().__init__()
        self.block = Shifting()
        self.blocks = nn.ModuleList([Doubling(), Shifting()])

    def forward(self, x: Tensor, i: int) -> Tensor:
        chosen: Block = self.blocks[i]
        return chosen.forward(self.block.forward(x))


@fn(C(3), C("abc"), C(L("int", 1, 2)), C(None), E(2.5), tags=("union",))
def unions(value: Union[int, str, List[int], None]) -> Union[int, str]:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "!"
    if value is None:
        return "none"
    return len(value)


@fn(C(T(2)), C(L("Tensor", T(2), T(2, seed=1))), C(D("str", "Tensor", ["a", T(2)])), tags=("union",))
def union_of_tensors(value: Union[Tensor, List[Tensor], Dict[str, Tensor]]) -> Tensor:
    if isinstance(value, Tensor):
        return value * 2
    elif isinstance(value, list):
        return torch.cat(value)
    else:
        return value["a"] - 1


@torch.jit.script
class Resource:
    """A context manager; it closes when the block raises, too."""

    def __init__(self, log: List[str]):
        self.log = log

    def __enter__(self) -> List[str]:
        self.log.append("enter")
        return self.log

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        self.log.append("exit")


@fn(C(1), E(0), tags=("class", "with"))
def own_context_manager(n: int) -> List[str]:
    log: List[str] = []
    with Resource(log) as inside:
        inside.append(str(10 // n))
        with Resource(log):
            log.append("nested")
    return log


@module(C(T(2)), C(T(2), method="state"), tags=("class", "attributes"))
class ObjectAttribute(nn.Module):
    """An object with tensors among the module's attributes: it is in data.pkl."""

    def __init__(self):
        super().__init__()
        self.acc = Accumulator(2)
        self.origin = Vector(1.0, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        self.acc.add(x).add(x * 2, "double")
        return self.acc.mean() + self.origin.x

    @torch.jit.export
    def state(self, x: Tensor) -> Tuple[int, Dict[str, int], Vector, List[Tensor]]:
        self.origin = self.origin + Vector(1.0, 1.0)
        return self.acc.count, self.acc.names, self.origin, self.acc.history


@torch.jit.script
class WithState:
    """Saves itself by a state of its own choice."""

    def __init__(self, n: int):
        self.n = n
        self.cache = torch.zeros(n)

    def __getstate__(self) -> Tuple[int, str]:
        return self.n, "state"

    def __setstate__(self, state: Tuple[int, str]) -> None:
        self.n = state[0] + 100
        self.cache = torch.ones(state[0])


@module(C(T(3)), tags=("class", "setstate"))
class HoldsState(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = WithState(3)

    def forward(self, x: Tensor) -> Tuple[Tensor, int]:
        return x + self.inner.cache, self.inner.n


@module(C(T(2)), tags=("class", "setstate"))
class ModuleWithState(nn.Module):
    """A module with __getstate__ and __setstate__: its weight is transposed in the file."""

    def __init__(self, training: bool = True):
        super().__init__()
        self.weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        self.training = training

    @torch.jit.export
    def __getstate__(self):
        return self.weight.t(), self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[Tensor, bool]):
        self.weight = state[0].t()
        self.training = state[1]

    def forward(self, x: Tensor) -> Tensor:
        return self.weight @ x

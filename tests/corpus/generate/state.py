"""Modules that change between calls."""

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor

from registry import fn, module
from values import C, D, E, L, T, Tup, data, ints


@module(C(), C(), C(5), C(method="reset"), C(), tags=("state",))
class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, step: int = 1) -> int:
        self.count += step
        return self.count

    @torch.jit.export
    def reset(self) -> None:
        self.count = 0


@module(C(T(3)), C(T(3, seed=1)), C(T(3, seed=2)), E(T(4)), C(T(3, seed=3)), tags=("state", "buffers"))
class RunningMean(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        self.count += 1
        self.mean += (x - self.mean) / self.count
        return self.mean, self.count


@module(C(T(3)), C(T(3, seed=1)), tags=("state", "buffers"))
class ReplacedBuffer(nn.Module):
    """The buffer is another tensor after the call; what was given out stays."""

    def __init__(self):
        super().__init__()
        self.register_buffer("last", torch.zeros(3))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        before = self.last
        self.last = x
        return before, self.last * 2


@module(C("a", 1.0), C("b", 2.0), C("a", 3.0), C("a", method="read"), E("zz", method="read"), C("b", method="drop"), E("b", method="read"),
        tags=("state", "dict"))
class KeyValueStore(nn.Module):
    store: Dict[str, List[float]]

    def __init__(self):
        super().__init__()
        self.store = {}

    def forward(self, key: str, value: float) -> int:
        if key not in self.store:
            fresh: List[float] = []
            self.store[key] = fresh
        self.store[key].append(value)
        return len(self.store[key])

    @torch.jit.export
    def read(self, key: str) -> List[float]:
        return self.store[key]

    @torch.jit.export
    def drop(self, key: str) -> int:
        del self.store[key]
        return len(self.store)


@module(C(T(1, 2)), C(T(1, 2, seed=1)), C(T(1, 2, seed=2)), C(T(2, 2, seed=3)), tags=("state", "list"))
class RingBuffer(nn.Module):
    frames: List[Tensor]

    def __init__(self):
        super().__init__()
        self.frames = []

    def forward(self, x: Tensor) -> Tuple[Tensor, int]:
        self.frames.append(x)
        if len(self.frames) > 2:
            self.frames.pop(0)
        return torch.cat(self.frames), len(self.frames)


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0
        self.register_buffer("seen", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.add_(x)
        return self.seen * self.calls


@module(C(T(2)), C(T(2, seed=1)), C(T(2), method="swap"), tags=("state", "shared"))
class StateInSharedChild(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Inner()
        self.b = self.a
        self.c = Inner()

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor, int]:
        return self.a(x), self.b(x), self.c(x), self.b.calls

    @torch.jit.export
    def swap(self, x: Tensor) -> Tuple[Tensor, int, int]:
        self.a.calls, self.c.calls = self.c.calls, self.a.calls
        self.c.seen = x
        return self.c(x), self.a.calls, self.c.calls


@module(C(T(3)), C(T(3)), C(T(3)), grad=True, tags=("state", "training"))
class OwnSgd(nn.Module):
    """Trains itself: backward inside the program is not needed, the gradient is written out."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))

    def forward(self, x: Tensor) -> Tensor:
        error = (self.weight * x).sum() - 1.0
        with torch.no_grad():
            self.weight.sub_(0.1 * 2.0 * error * x)
        return (self.weight * x).sum() * error


@module(C(None), C(T(2)), C(None), tags=("state", "optional"))
class OptionalState(nn.Module):
    last: Optional[Tensor]
    history: Tuple[int, Optional[str]]

    def __init__(self):
        super().__init__()
        self.last = None
        self.history = (0, None)

    def forward(self, x: Optional[Tensor]) -> Tuple[Optional[Tensor], Tuple[int, Optional[str]]]:
        before = self.last
        self.last = x
        n, name = self.history
        if name is None:
            self.history = (n + 1, "set")
        else:
            self.history = (n + 1, name + "+")
        return before, self.history

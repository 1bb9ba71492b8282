"""The second of two modules of one name."""

from typing import List

import torch
from torch import Tensor


@torch.jit.script
class Point:
    def __init__(self, name: str):
        self.y: List[int] = []
        self.name = name
        self.x = torch.zeros(2)

    def norm(self) -> Tensor:
        return self.x.norm() + len(self.y)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("offset", torch.arange(2.0))
        self.scale = 3

    def forward(self, x: float):
        p = Point("p" + str(x))
        p.y.append(self.scale)
        p.x = self.offset * x
        return p, p.norm()

    @torch.jit.export
    def take(self, p: Point) -> Tensor:
        p.x += 1.0
        return p.norm()

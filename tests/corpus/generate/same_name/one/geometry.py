"""The first of two modules of one name: their classes have one qualified name and different attributes."""

import torch
from torch import Tensor


@torch.jit.script
class Point:
    def __init__(self, x: float, y: float):
        self.x = x
        self.y = y

    def norm(self) -> float:
        return (self.x * self.x + self.y * self.y) ** 0.5


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, x: float):
        p = Point(x, 3.0)
        return p, self.scale * p.norm()

    @torch.jit.export
    def take(self, p: Point) -> float:
        p.x += 1.0
        return p.norm()

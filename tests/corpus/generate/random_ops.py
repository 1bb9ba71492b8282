"""Random numbers: the default CPU generator, seeded before each call."""

from typing import List, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from registry import fn, module, traced
from values import C, E, T, data

RANDOM = {"tags": ("random",)}


@fn(C(3), C(17), **RANDOM)
def random_factories(n: int):
    return (torch.rand(n), torch.randn(n, 2), torch.randint(10, [n]), torch.randint(-5, 5, [2, n]), torch.randperm(n), torch.rand([n], dtype=torch.float64), torch.normal(0.0, 2.0, [n]),
            torch.randn(n, dtype=torch.complex64), torch.randint(0, 2, [n], dtype=torch.int32))


@fn(C(T(3, 4)), **RANDOM)
def random_like(x: Tensor):
    p = x.sigmoid()
    return (torch.rand_like(x), torch.randn_like(x), torch.randint_like(x, 10), torch.bernoulli(p), torch.multinomial(p, 2), torch.multinomial(p[0], 5, True), torch.normal(x, p), torch.poisson(p * 5),
            x.clone().uniform_(2.0, 3.0), x.clone().normal_(1.0, 0.1), x.clone().exponential_(2.0), x.clone().bernoulli_(0.3), x.clone().random_(5), x.clone().geometric_(0.4), x.clone().log_normal_(0.0, 0.5), x.clone().cauchy_())


@fn(C(T(4, 6)), C(T(2, 3, 4)), **RANDOM)
def random_dropout(x: Tensor):
    return F.dropout(x, 0.5, True), F.dropout(x, 0.5, False), torch.dropout(x, 0.2, True), F.alpha_dropout(x, 0.3, True), F.feature_alpha_dropout(x, 0.3, True), F.dropout(x, 1.0, True), F.dropout(x, 0.0, True), F.rrelu(x, training=True)


@fn(C(T(4, 6), True), C(T(4, 6), False), **RANDOM)
def random_order(x: Tensor, first: bool) -> Tuple[Tensor, Tensor]:
    """The order of draws shows in the results."""
    if first:
        a = torch.rand(3)
    b = torch.rand(2)
    for i in range(3):
        b = b + torch.randn(2) * i
    return b, torch.rand(1) + x.sum()


@fn(C(5), **RANDOM)
def reseeds(n: int) -> List[Tensor]:
    out: List[Tensor] = []
    for i in range(n):
        torch.manual_seed(i % 2)
        out.append(torch.rand(2))
    return out


@fn(C(T(3)), **RANDOM)
def gumbel_sampling(x: Tensor) -> Tuple[Tensor, Tensor]:
    return F.gumbel_softmax(x, tau=0.5, hard=True), F.gumbel_softmax(x)


@module(C(T(4, 3)), C(T(4, 3)), C(T(4, 3), before="train"), **RANDOM)
class NoisyLinear(nn.Module):
    """Explores by parameter noise, as value networks of reinforcement learning do."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.mean = nn.Parameter(torch.randn(2, 3))
        self.sigma = nn.Parameter(torch.full((2, 3), 0.1))
        self.register_buffer("noise", torch.zeros(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.noise.normal_()
            return F.linear(x, self.mean + self.sigma * self.noise)
        return F.linear(x, self.mean)


@traced(C(T(4, 3)), **RANDOM)
def traced_dropout():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)).train(), torch.randn(4, 3)


@fn(E(data([0.5, 1.5])), E(data([[-1.0, 0.0]])), tags=("random", "raise"))
def random_errors(p: Tensor) -> Tensor:
    if p.dim() == 1:
        return torch.bernoulli(p)
    return torch.multinomial(p, 1)

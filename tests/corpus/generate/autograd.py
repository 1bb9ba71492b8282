"""Gradients through programs, and programs that ask about or make gradients."""

from typing import List, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from registry import fn, module, traced
from values import C, D, E, L, T, Tup, arg, data, ints, randint

GRAD = {"grad": True, "tags": ("autograd",)}


@fn(C(T(3, requires_grad=True), T(3, seed=1)), C(T(3, requires_grad=True), T(3, seed=1, requires_grad=True)), **GRAD)
def grad_simple(x: Tensor, y: Tensor) -> Tensor:
    return (x * y).tanh() + x ** 2


@module(C(T(4, 3, requires_grad=True)), C(T(2, 3)), C(T(2, 3), before="train"), **GRAD)
class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.BatchNorm1d(5), nn.Dropout(0.3), nn.Linear(5, 2))

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(self.layers(x), 1)


@fn(C(T(3, requires_grad=True), 4), C(T(3, requires_grad=True), 0), **GRAD)
def grad_through_loop(x: Tensor, n: int) -> Tuple[Tensor, List[Tensor]]:
    parts: List[Tensor] = []
    for i in range(n):
        if bool(x.sum() > 0):
            x = x * 1.5
        else:
            x = x.sin() + i
        parts.append(x)
    return x * 2, parts


@fn(C(T(3, requires_grad=True)), **GRAD)
def detach_and_no_grad(x: Tensor) -> Tuple[Tensor, Tensor, Tensor, bool, bool]:
    y = x.detach() * 2
    with torch.no_grad():
        z = x * 3
    w = x * y + z
    return w, y, z, y.requires_grad, w.requires_grad


@fn(C(T(2, 3, requires_grad=True)), **GRAD)
def grad_of_views(x: Tensor) -> List[Tensor]:
    a = x.t()[1:]
    b = torch.cat([a, a * 2])
    c = b.clone()
    c[0].mul_(5.0)
    c[1:3] += a
    return [a, b, c, x.expand(4, 2, 3).sum(0), x.view(6)[::2], x[x > 0], x.index_select(1, torch.tensor([0, 0, 2]))]


@fn(
    E(T(3, requires_grad=True), T(3, seed=1, requires_grad=True)), C(T(3), T(3, seed=1, requires_grad=True)), **GRAD)
def in_place_on_leaf(x: Tensor, y: Tensor) -> Tensor:
    x.add_(1.0)
    return x * y


@fn(C(T(3, requires_grad=True)), **GRAD)
def autograd_grad(x: Tensor):
    y = (x ** 3).sum()
    first = torch.autograd.grad([y], [x], create_graph=True)
    g = first[0]
    assert g is not None
    second = torch.autograd.grad([g.sum()], [x], create_graph=True)[0]
    return g, second, x


@fn(C(T(2, 2, requires_grad=True)), **GRAD)
def backward_inside(x: Tensor) -> Tuple[Tensor, Optional[Tensor]]:
    y = (x * x).sum()
    y.backward(retain_graph=True)
    return x * 2, x.grad


@module(C(T(1, 2, 6, 6, requires_grad=True)), **GRAD)
class ConvGrad(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.up = nn.ConvTranspose2d(4, 2, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = F.max_pool2d(F.gelu(self.norm(self.conv(x))), 2)
        return self.up(y) + F.interpolate(y[:, :2], scale_factor=2.0, mode="bilinear", align_corners=False)


@module(C(T(5, 2, 3, requires_grad=True)), **GRAD)
class LstmGrad(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.LSTM(3, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(x)
        return self.head(out).logsumexp(0)


@module(C(randint(0, 9, 2, 4), randint(0, 9, 2, seed=1)), C(randint(0, 9, 1, 4), randint(0, 9, 1, seed=1)), **GRAD)
class EmbeddingGrad(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(9, 4, padding_idx=0)
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, ids: Tensor, target: Tensor) -> Tensor:
        x = self.embed(ids)
        y, _ = self.attend(x, x, x)
        return F.cross_entropy(F.linear(y.mean(1), self.embed.weight), target)


@traced(C(T(2, 3, requires_grad=True)), grad=True, tags=("autograd",))
def traced_grad():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.SiLU(), nn.LayerNorm(4), nn.Linear(4, 2)), torch.randn(2, 3)


@fn(C(T(3, requires_grad=True), T(3)), C(T(3, requires_grad=True), T(3, seed=2)), **GRAD)
def requires_grad_attributes(x: Tensor, y: Tensor):
    z = x * y
    w = y.clone().requires_grad_()
    return x.requires_grad, y.requires_grad, z.requires_grad, z.is_leaf, w.requires_grad, z + w, torch.is_grad_enabled()


@fn(C(T(3, dtype="complex64", requires_grad=True)), **GRAD)
def complex_grad(x: Tensor) -> Tuple[Tensor, Tensor]:
    return x * x.conj() + 1j, x.abs()


@fn(C(T(3, dtype="float64", requires_grad=True)), C(T(3, dtype="bfloat16", requires_grad=True)), **GRAD)
def grad_of_casts(x: Tensor) -> Tensor:
    return x.float() * 2 + x.half().float().to(torch.float64).float()

"""Views, aliasing, in-place: what shares storage with what."""

from typing import Dict, List, Tuple

import torch
import torch.nn as nn
from torch import Tensor

from registry import fn, module
from values import C, D, E, L, T, Tup, arg, data, ints


@fn(C(T(2, 6)), C(T(6, 2, permute=[1, 0])), tags=("aliasing", "view"))
def views_of_input(x: Tensor):
    return (x.t(), x.unsqueeze(0), x[0], x[:, ::2], x.expand(3, 2, 6), x.transpose(0, 1), x.permute(1, 0), x.select(1, 2), x.narrow(1, 1, 2),
            x.diagonal(), x.squeeze(), x.detach(), x.split(2, 1), x.chunk(3, 1), x.unbind(0), x.as_strided([2], [1], 1), x.movedim(0, 1), x.mT,
            x.unfold(1, 2, 2), x.view_as(x), x.tensor_split(2, 1), x.swapaxes(0, 1))


@fn(C(T(2, 6)), E(T(2, 6, 1, permute=[2, 1, 0])), C(T(2, 12, narrow=[1, 3, 6])), tags=("aliasing", "view"))
def maybe_views(x: Tensor):
    """Share storage or copy, depending on the layout."""
    a = x.reshape(3, 4) if x.dim() == 2 else x.view(12)
    return a, x.contiguous(), x.t().contiguous(), x.t().reshape(12), x.flatten(), x.to(torch.float32), x.float(), x.to(torch.float64), x.type_as(x)


@fn(C(T(3)), tags=("aliasing",))
def identity(x: Tensor) -> Tensor:
    return x


@fn(C(T(3), T(3, seed=1)), C(T(3), arg(0)), tags=("aliasing",))
def same_twice(x: Tensor, y: Tensor) -> Tuple[Tensor, Tensor, List[Tensor], bool]:
    z = x + y
    return z, z, [x, z, y, x], x is y


@fn(C(T(3, 3)), C(T(3, 3, dtype="float64")), E(T(3, 3, dtype="int64", init="ones")), tags=("inplace", "aliasing"))
def in_place_operators(x: Tensor):
    y = x
    x += 1.5
    y *= 2
    y -= x.t().clone()
    x /= 3
    z = x.view(9)
    z[4] = 100.0
    return x, y, z, x is y


@fn(C(T(2, 3)), tags=("inplace", "aliasing"))
def in_place_methods(x: Tensor):
    y = x.clone()
    y.add_(1).mul_(x).relu_().clamp_(max=2.0)
    x.zero_()
    x[0].fill_(3.0)
    x.copy_(x + y)
    row = x[1]
    row.sigmoid_()
    x.t_()
    w = torch.empty(3)
    torch.add(row, 1.0, out=w)
    return x, y, row, w, torch.sub(row, w, out=w)


@fn(C(T(2, 3), T(2, 3, seed=1)), C(T(2, 3), arg(0)), tags=("inplace", "aliasing"))
def writes_one_reads_other(x: Tensor, y: Tensor) -> Tuple[Tensor, Tensor]:
    a = y * 2
    x.add_(10)
    b = y * 2
    return a, b


@fn(C(L("Tensor", T(2), T(2, seed=1)), D("str", "Tensor", ["k", T(2, seed=2)])), tags=("inplace", "aliasing", "containers"))
def changes_containers(xs: List[Tensor], d: Dict[str, Tensor]):
    xs[0].mul_(2)
    xs.append(xs[0])
    d["new"] = xs[1]
    d["k"] += 1
    xs[1] = d["k"]
    return xs, d


@module(C(T(2)), C(T(2), method="whole"), C(T(2)), tags=("aliasing", "parameters"))
class GivesParametersOut(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        self.register_buffer("table", torch.zeros(2))
        self.extra = torch.ones(2)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        self.table += x
        return self.weight[0], self.table, self.extra

    @torch.jit.export
    def whole(self, x: Tensor) -> Tuple[Tensor, List[Tensor]]:
        return self.weight, [self.table, self.weight.t(), x]


@fn(C(T(2, 3)), C(T(3, 2, permute=[1, 0])), C(T(4, 3, narrow=[0, 1, 2])), C(T(1, 3, expand=[2, 3])), tags=("aliasing", "strides"))
def strides_kept(x: Tensor):
    """Elementwise results keep the input's order of strides."""
    return x + 1, torch.relu(x), x * x.clone(), x.clone(), torch.empty_like(x).zero_(), torch.cat([x, x]), x.sum(0), x.t() + x.t(), x.contiguous()


@fn(C(T(2, 3, 4, 5, channels_last=True)), C(T(2, 3, 4, 5)), tags=("strides",))
def channels_last(x: Tensor):
    y = x.contiguous(memory_format=torch.channels_last)
    return (y, y + 1, torch.nn.functional.max_pool2d(y, 2), y.is_contiguous(memory_format=torch.channels_last), y.contiguous(), x.to(memory_format=torch.channels_last),
            torch.nn.functional.interpolate(y, scale_factor=2.0), y.mean([2, 3], keepdim=True), y.clone(memory_format=torch.preserve_format))


@fn(C(T(2, 3), T(3)), C(T(2, 1, 3), T(4, 1)), E(T(2, 3), T(2)), tags=("broadcast", "aliasing"))
def broadcasting(x: Tensor, y: Tensor):
    a, b = torch.broadcast_tensors(x, y)
    return x + y, x * y, torch.max(x, y), a, b, torch.where(x > 0, x, y), x.expand_as(a), a.shape


@fn(C(T(3)), C(T(2, 2)), tags=("aliasing", "effects"))
def ops_that_may_alias(x: Tensor):
    """Their schemas say nothing, yet the result may share storage with the input."""
    return (torch.dropout(x, 0.5, False), torch.atleast_1d(x), torch.atleast_2d(x), torch.einsum("...->...", [x]), torch.ravel(x),
            torch.nn.functional.dropout(x, 0.3, training=False), x.expand(x.size()), x.resolve_conj(), torch.squeeze(x, 0), x.real)

"""dtypes other than float32, promotion, complex and sparse tensors."""

from typing import List, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from registry import fn, module
from values import C, D, E, L, T, Tup, arg, data, dtype, ints, randint

LOOSE = {"rtol": 1e-2, "atol": 1e-2}
ALL = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64", "complex128"]


def of(name, *shape, **more):
    if name.startswith(("int", "uint", "bool")):
        return randint(0, 2 if name == "bool" else 9, *shape, dtype=name, **more)
    return T(*shape, dtype=name, **more)


@fn(*[C(of(a, 3), of(b, 3, seed=1)) for a, b in zip(ALL, ALL[1:] + ALL[:1])], C(of("bool", 3), of("uint8", 3)), C(of("int8", 3), of("uint8", 3)),
    C(of("int64", 3), T(dtype="float16")), C(of("float32", 3), T(dtype="float64")), tags=("dtype", "promotion"), tolerance=LOOSE)
def promotion(x: Tensor, y: Tensor):
    return x + y, x * y, torch.where(torch.tensor([True, False, True]), x, y), torch.result_type(x, y), x == y


@fn(*[C(of(a, 3)) for a in ALL[:9]], E(of("bool", 3)), tags=("dtype", "promotion"), tolerance=LOOSE)
def promotion_with_scalars(x: Tensor):
    return x + 1, x + 1.5, x * True, 2 - x, x - 2.5, x / 2, x // 2, x ** 2, x + (2 + 1j), torch.add(x, 1, alpha=2), x.sum(), x.mean(dtype=torch.float32), x > 0.5, x % 3


@fn(*[C(T(4, 4, dtype=a)) for a in ALL[:4]], E(of("int64", 4, 4)), tags=("dtype",), tolerance=LOOSE)
def float_kinds(x: Tensor):
    return x @ x, x.softmax(1), F.layer_norm(x, [4]), x.sum(0), x.mean(), torch.tanh(x), F.gelu(x), x.max(1)[0], F.linear(x, x), x.exp(), x.std(), F.mse_loss(x, x * 0.5), torch.addmm(x[0], x, x)


@module(C(T(2, 4, dtype="float16")), E(T(2, 4)), C(T(2, 4, dtype="float16"), before="eval"), tags=("dtype",), tolerance=LOOSE)
class HalfModule(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(4, 3).half()
        self.norm = nn.LayerNorm(3).half()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.linear(x))


@module(C(T(1, 2, 5, 5, dtype="bfloat16")), E(T(1, 2, 5, 5)), tags=("dtype",), tolerance={"rtol": 2e-2, "atol": 2e-2})
class Bfloat16Module(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(2, 3, 3).bfloat16()
        self.norm = nn.BatchNorm2d(3).bfloat16()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


@module(C(T(2, 4, dtype="float64")), E(T(2, 4)), tags=("dtype",))
class DoubleModule(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.GRUCell(4, 3).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x) + torch.zeros(3, dtype=torch.float64)


@fn(C(T(3, dtype="complex64")), C(T(2, 2, dtype="complex128")), E(T(3)), tags=("dtype", "complex"))
def complex_tensors(x: Tensor):
    y = torch.complex(x.real, x.imag * 2)
    return (x.real, x.imag, x.conj(), x.abs(), x.angle(), x * y, x / (y + 2), x + 1, x * 2j, x.exp(), torch.view_as_real(x), x.sum(), x.is_complex(), torch.polar(x.abs(), x.angle()), x.conj().resolve_conj(), x == y,
            x.is_conj(), x.conj().is_conj(), x.sqrt(), torch.real(x), x.mH if x.dim() == 2 else x)


@module(C(T(2, 3, dtype="complex64")), tags=("dtype", "complex", "parameters"))
class ComplexModule(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(3, 4, dtype=torch.complex64))
        self.register_buffer("shift", torch.tensor([1j, 2.0, 0.0, -1j]))
        self.factor = complex(0.5, -1.0)

    def forward(self, x: Tensor) -> Tuple[Tensor, complex]:
        return (x @ self.weight + self.shift) * self.factor, self.factor


@fn(C(of("bool", 5), of("bool", 5, seed=1)), tags=("dtype", "bool"))
def bool_tensors(x: Tensor, y: Tensor):
    return x & y, x | y, x ^ y, ~x, x.any(), x.all(), x.sum(), x == y, x.logical_not(), x + y, x * y, x.float(), x.int() - y.int(), x.nonzero(), torch.where(x, y, ~y), x.cumsum(0), x.max()


@fn(E(of("bool", 2), of("bool", 2)), E(of("int64", 2), T(2)), E(T(2), of("bool", 3)), C(T(2), T(2)), tags=("dtype", "raise"))
def dtype_errors(x: Tensor, y: Tensor) -> Tensor:
    if y.dtype == torch.bool and x.dtype == torch.float32:
        return x[y]
    z = x.clone()
    z -= y
    return z


@fn(C(dtype("float32"), dtype("int64")), C(dtype("bfloat16"), dtype("bool")), tags=("dtype",))
def dtype_arguments(a: int, b: int):
    x = torch.ones(2, dtype=a)
    return x.to(b), x.dtype == a, x.dtype == torch.float32, torch.zeros(1, dtype=b).dtype, torch.arange(3, dtype=b) if b == torch.int64 else torch.empty(0), x.sum(dtype=torch.double), torch.float16, [torch.int8, a]


@fn(C(data([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]), T(3, 2)), tags=("sparse",))
def sparse_tensors(x: Tensor, y: Tensor):
    s = x.to_sparse()
    t = torch.sparse_coo_tensor(torch.tensor([[0, 1], [1, 2]]), torch.tensor([5.0, 6.0]), [2, 3])
    return s.to_dense(), (s + t).to_dense(), torch.mm(s, y), s.coalesce().indices(), s.coalesce().values(), s.is_sparse, s.layout == x.layout, s.is_coalesced()


@fn(C(data(["inf", "-inf", "nan", 0.0, -0.0, 1e38, 1e-40])), C(data(["nan", "nan", 1.0])), tags=("dtype", "special values"))
def special_values(x: Tensor):
    return x + x, x * x, x / x, x.max(), x.min(), x.sum(), x == x, x.isnan(), x.isinf(), x.sort()[0], x.nan_to_num(0.0), torch.maximum(x, x.flip(0)), x.clamp(-1.0, 1.0), 1.0 / x, x.sign(), float("inf") - x, x.int()[3:4] if x.numel() > 3 else x.float(), torch.relu(x), x.argmax()

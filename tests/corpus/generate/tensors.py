"""Tensors: factories, indexing of every form, attributes, conversions."""

import math
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from registry import fn, module
from values import C, D, E, L, T, Tup, data, device, dtype, ints, randint


@fn(C(3, dtype("float64"), device("cpu")), C(1, dtype("int32"), device("cpu")), tags=("tensor", "factory"))
def factories(n: int, dtype: int, device: torch.device):
    return (torch.zeros(n), torch.ones(n, 2, dtype=dtype), torch.full([n], 7, device=device), torch.full([n], 1.5), torch.arange(n),
            torch.arange(1.0, 4.0, 0.5), torch.arange(10, 0, -3), torch.linspace(0.0, 1.0, n), torch.eye(n, n + 1),
            torch.logspace(0.0, 2.0, n), torch.zeros([n, 0]), torch.tensor(n), torch.tensor([1.5, 2.0]), torch.tensor([[1], [2]], dtype=dtype),
            torch.tensor([True]), torch.tensor(torch.jit.annotate(List[float], [])), torch.scalar_tensor(2.5), torch.empty(n).fill_(3.0), torch.tril_indices(n, n))


@fn(C(T(2, 3)), C(T(2, 3, dtype="int32", init="arange")), tags=("tensor", "factory"))
def factories_like(x: Tensor):
    return (torch.zeros_like(x), torch.ones_like(x, dtype=torch.float64), torch.full_like(x, 3), x.new_zeros([2]), x.new_ones(3),
            x.new_full([1, 2], 5), torch.empty_like(x).zero_(), torch.zeros(x.size(), dtype=x.dtype), x.new_empty([0, 3]))


@fn(C(T(4, 5, 6)), E(T(4, 5)), E(T(1, 5, 6)), tags=("tensor", "index"))
def index_basic(x: Tensor):
    return (x[0], x[-1], x[1, 2], x[1, 2, 3], x[:, 0], x[..., 0], x[1:3], x[::2, 1:, -2:], x[:, None, 1], x[None], x[..., None, 2], x[0, ..., 1:3],
            x[2:2], x[1:100:3], x[1][2][3], x[:, :, :])


@fn(C(T(4, 5), ints(0, 3, -1), data([True, False, True, True], dtype="bool")), E(T(4, 5), ints(0, 4), data([True] * 4, dtype="bool")),
    E(T(4, 5), ints(0), data([True] * 3, dtype="bool")), tags=("tensor", "index"))
def index_advanced(x: Tensor, i: Tensor, mask: Tensor):
    return (x[i], x[i, i], x[:, i], x[mask], x[mask, 1], x[mask, 1:3], x[x > 0], x[i, None], x[i.unsqueeze(1), torch.tensor([0, 1])],
            x[None, i], x[torch.tensor([[0, 1], [2, 3]])], x[mask, :][0])


@fn(C(T(4, 5), ints(0, 2)), E(T(4, 5), ints(0, 9)), tags=("tensor", "index", "inplace"))
def index_assign(x: Tensor, i: Tensor):
    y = x.clone()
    y[0] = 1.0
    y[1, 2] = y[2, 1] * 100
    y[:, 3] = torch.arange(4.0)
    y[2:, :2] = 7
    y[i] += 1000.0
    y[i, i] = torch.tensor([5.0, 6.0])
    y[y < -1.0] = 0.0
    y[..., -1] *= 2
    y[3] -= x[0]
    y[None, 0, 1:3] = torch.zeros(2)
    x[0, 0] = y.max()
    return x, y


@fn(C(T(4, 5), 1), C(T(4, 5), -2), E(T(4, 5), 7), tags=("tensor", "index"))
def index_by_variables(x: Tensor, i: int):
    a, b = i, i + 3
    t = torch.tensor(i)
    return x[i], x[a:b], x[i:], x[:i], x[::max(a, 1)], x[t], x[t, t], x[i, a:b], x[:, i], x[int(t)]


@fn(C(T(2, 3)), C(T(2, 3, dtype="int64", init="arange")), C(T(0)), C(T(1, dtype="bool", init="ones")), tags=("tensor", "attributes"))
def attributes(x: Tensor):
    return (x.dtype, x.device, x.shape, x.size(), x.dim(), x.ndim, x.numel(), x.is_cuda, x.requires_grad, x.layout, x.is_sparse, x.is_quantized,
            x.is_contiguous(), x.stride(), x.is_floating_point(), x.element_size(), x.storage_offset(), x.is_mkldnn, x.is_leaf,
            x.itemsize, x.nbytes, x.is_complex(), x.is_signed(), x.device.type, x.device.index, x.T, x.is_meta)


@fn(C(T(2, 3), 0), E(T(2, 3), 5), C(T(2, 3), -1), tags=("tensor", "attributes"))
def sizes(x: Tensor, d: int):
    b, c = x.shape
    rows, columns = x.size()
    return x.size(d), x.stride(d), b * c, rows - columns, x.shape[-1], x.shape[0:1], len(x.shape), len(x), list(x.shape) + [1]


@fn(E(T(2, 3, 4)), C(T(2, 3)), E(T(2)), tags=("tensor", "raise"))
def unpack_shape(x: Tensor) -> int:
    rows, columns = x.shape
    return rows * 10 + columns


@fn(C(data(2.75, "float32"), data(-3)), E(T(2), T(1)), C(data(True, dtype="bool"), data(7, dtype="int32")), tags=("tensor", "convert"))
def to_scalars(x: Tensor, y: Tensor):
    a = x.item()
    return int(x), float(x), bool(x), int(y), float(y), bool(y), a, y.item(), str(int(y))


@fn(C(T(2, 3)), C(T(2, 3, dtype="int32", init="arange")), tags=("tensor", "convert"))
def casts(x: Tensor):
    return (x.double(), x.float(), x.half(), x.int(), x.long(), x.short(), x.char(), x.byte(), x.to(torch.bool), x.to(torch.float64),
            x.to("cpu"), x.to(torch.device("cpu"), torch.int16), x.to(x), x.to(x.device), x.to(dtype=torch.float32, copy=True), x.type_as(torch.zeros(1)), x.to(torch.bfloat16),
            x.cpu(), x.to(torch.complex64))


@fn(C(T(2, 2)), tags=("tensor", "convert"))
def to_list(x: Tensor):
    a: List[List[float]] = x.tolist()
    b: List[float] = x[0].tolist()
    c: List[int] = x.size()
    d: int = torch.tensor(3).tolist()
    e: List[bool] = torch.tensor([True, False]).tolist()
    f: List[List[int]] = torch.arange(6).view(2, 3).tolist()
    return a, b, c, d, e, f


@fn(E(T(2, 2), 0), E(T(2), 1), E(T(2, 2, 2), 2), tags=("tensor", "convert", "raise"))
def to_list_of_another_type(x: Tensor, which: int) -> int:
    if which == 0:
        a: List[float] = x.tolist()
        return len(a)
    elif which == 1:
        b: List[int] = x.tolist()
        return len(b)
    c: List[List[float]] = x.tolist()
    return len(c)


@fn(C(T(3)), tags=("tensor", "scalar"))
def tensor_and_scalars(x: Tensor):
    n, f, b = 3, 0.5, True
    return (x + n, n + x, x - f, f - x, x * b, n * x, x / n, n / x, x // 2, x % 2, x ** 2, 2 ** x, x ** f, -x, abs(x), x > n, n < x, x == f,
            x != n, x <= f, n >= x, ~(x > 0), (x > 0) & (x < 1), (x > 0) | (x < -1), (x > 0) ^ (x < 1), x @ x, divmod(7, n), round(f))


@fn(C(7, 2), C(-7, 2), C(7, -2), C(0, 5), E(1, 0), tags=("scalar", "raise"))
def int_arithmetic(a: int, b: int):
    return (a + b, a - b, a * b, a / b, a // b, a % b, a ** 2, -a, abs(a), a & b, a | b, a ^ b, a << 2, a >> 1, min(a, b), max(a, b), divmod(a, b),
            float(a), bool(a), str(a), a == b, a < b, round(a), pow(a, 2), complex(a, b))


@fn(C(7.5, 2.0), C(-7.5, 2.0), C({"float": "inf"}, 1.0), C({"float": "nan"}, 1.0), C(1.0, 0.0), tags=("scalar", "raise"))
def float_arithmetic(a: float, b: float):
    return a + b, a - b, a * b, a / b, a // b, a % b, a ** b, -a, abs(a), min(a, b), max(a, b), a == b, a < b, a != a, a + 1, 2 * a, b ** 3, str(a)


@fn(C(1, 0, 0), E(1, 0, 1), C(1, 0, 2), C(1, 0, 3), E(1, 0, 4), C(1, 0, 5), tags=("scalar", "raise"))
def division_by_zero(a: int, b: int, which: int) -> float:
    if which == 0:
        return a / b
    elif which == 1:
        return float(a // b)
    elif which == 2:
        return -1.5 // float(b)
    elif which == 3:
        return 1.5 / float(b)
    elif which == 4:
        return float(divmod(a, b)[0])
    return 0.0


@fn(C(0.5, 6), C(0.25, 4), C(-2.0, 6), tags=("scalar", "math"), name="math_module")
def math_module_functions(x: float, n: int):
    return (math.sqrt(x), math.exp(x), math.log(x), math.log(x, 3.0), math.sin(x), math.cos(x), math.tan(x), math.asin(x), math.atan2(x, 2.0),
            math.floor(x), math.ceil(x), math.pow(x, 2.0), math.fabs(-x), math.fmod(7.5, x), math.copysign(x, -1.0), math.gcd(n, 4), math.factorial(n),
            math.isnan(x), math.isinf(x), math.isfinite(x), math.degrees(x), math.radians(x), math.log10(x), math.log1p(x), math.expm1(x),
            math.sinh(x), math.erf(x), math.gamma(x), math.lgamma(x), math.ldexp(x, 3), math.frexp(x), math.modf(x), 
            math.pi, math.e, math.inf, math.tau)


@fn(C(1.5), tags=("scalar", "complex"))
def complex_scalars(x: float):
    z = complex(x, -2.0)
    w = 3 + 1j
    return z + w, z * w, z / w, z - 1, z * x, -z, abs(z), z == w, str(z), z ** w


@fn(C(T(3)), tags=("scalar",))
def numbers_of_tensors(x: Tensor):
    """Scalars that come out of tensors go back in: number types are decided when it runs."""
    n = x.numel()
    a = x[0].item()
    b = torch.tensor([1, 2]).sum().item()
    return x * a, x + b, torch.full([n], a), torch.full([n], b), x.clamp(min=a), x.add(x, alpha=b), a * b, x > a


@fn(C(T(3, 4)), C(T(3, 0)), E(T(3)), tags=("tensor", "shape"))
def matrix_stats(x: Tensor) -> Tuple[Tensor, Optional[Tensor], List[int]]:
    if x.dim() != 2:
        raise ValueError(f"wants a matrix, got {x.dim()} dimensions of sizes {x.shape}")
    best: Optional[Tensor] = None
    where: List[int] = []
    if x.size(1) > 0:
        best, index = x.max(dim=1)
        for i in range(index.size(0)):
            where.append(int(index[i]))
    return x.sum(dim=0), best, where

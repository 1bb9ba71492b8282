"""Operators of torch and torch.nn.functional, grouped by theme, each theme a module of many methods or one long result."""

from typing import List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from registry import fn
from values import C, D, E, L, T, Tup, data, ints, randint


@fn(C(T(2, 3)), C(T(2, 3, dtype="float64")), C(T(0)), E(T(2, 3, dtype="int64", init="ones")), tags=("operators",))
def pointwise_unary(x: Tensor):
    y = x.abs() + 0.1
    return (x.abs(), x.neg(), x.exp(), y.log(), y.sqrt(), y.rsqrt(), x.sin(), x.cos(), x.tan(), x.tanh(), x.sigmoid(), x.floor(), x.ceil(), x.round(),
            x.trunc(), x.frac(), x.sign(), x.square(), y.reciprocal(), x.erf(), x.erfc(), y.log1p(), x.expm1(), y.log2(), y.log10(), x.atan(),
            torch.special.expit(x), y.digamma(), y.lgamma(), x.sinh(), x.cosh(), x.asinh(), x.isnan(), x.isinf(), x.isfinite(), x.nan_to_num(),
            x.logical_not(), x.exp2(), x.sinc(), x.signbit(), x.frexp()[0], torch.clip(x, -0.5, 0.5))


@fn(C(T(2, 3), T(2, 3, seed=1)), C(T(2, 1), T(3, seed=1)), E(T(2, 3), T(4)), tags=("operators",))
def pointwise_binary(x: Tensor, y: Tensor):
    z = y.abs() + 0.5
    return (x + y, torch.add(x, y, alpha=2), x.sub(y, alpha=0.5), x * y, x / z, torch.div(x, z, rounding_mode="floor"), torch.div(x, z, rounding_mode="trunc"),
            x.floor_divide(z), x.remainder(z), x.fmod(z), z.pow(x), torch.atan2(x, y), torch.maximum(x, y), torch.minimum(x, y), x.hypot(y),
            torch.logaddexp(x, y), torch.xlogy(x, z), torch.lerp(x, y, 0.3), torch.lerp(x, y, z), torch.addcmul(x, y, z, value=0.5), torch.addcdiv(x, y, z),
            x.eq(y), x.ne(y), x.lt(y), x.ge(y), torch.rsub(x, y), torch.copysign(x, y), torch.fmax(x, y), x.logical_and(y), x.logical_xor(y),
            torch.heaviside(x, y), torch.nextafter(x, y), torch.isclose(x, y), torch.true_divide(x, z))


@fn(C(T(3, 4, 2)), C(T(3, 4, 2, dtype="float64")), E(T(3)), tags=("operators",))
def reductions(x: Tensor):
    return (x.sum(), x.sum(1), x.sum([0, 2], keepdim=True), x.mean(), x.mean(-1), x.prod(), x.prod(1), x.max(), x.min(), x.max(1), x.min(dim=1, keepdim=True),
            x.argmax(), x.argmax(1), x.argmin(1, keepdim=True), x.std(), x.var(1), x.var(1, unbiased=False), torch.var_mean(x, 1), torch.std_mean(x), x.norm(),
            x.norm(p=1, dim=1), x.logsumexp(1), x.amax(1), x.amin([0, 1]), torch.aminmax(x), x.any(), (x > -9).all(1), x.median(), x.median(1), x.mode(1),
            x.nansum(), x.cumsum(1), x.cumprod(0), x.cummax(1), x.count_nonzero(), x.kthvalue(2, 1), x.quantile(0.5), torch.dist(x, x + 1), x.sum(dtype=torch.float64))


@fn(C(T(5, 4)), C(data([[3.0, 1.0, 2.0, 1.0]])), tags=("operators",))
def sorting(x: Tensor):
    a, i = torch.sort(x, dim=1, descending=True)
    t = torch.topk(x, 2, dim=1)
    u, inverse, counts = torch.unique(x.round(), sorted=True, return_inverse=True, return_counts=True)
    return (a, i, t[0], t[1], x.argsort(0), u, inverse, counts, torch.unique_consecutive(x.round().flatten()), torch.searchsorted(a.flip(1).contiguous(), x),
            torch.bucketize(x, torch.tensor([-1.0, 0.0, 1.0])), x.msort(), torch.histc(x, 4, -2.0, 2.0), torch.bincount(torch.tensor([1, 1, 3])))


@fn(C(T(2, 3, 4)), E(T(2, 3)), tags=("operators", "shape"))
def shape_operators(x: Tensor):
    a = x.view(6, 4)
    return (x.flatten(1), x.reshape(-1, 2), x.permute(2, 0, 1), x.transpose(0, 2), x.unsqueeze(-1).squeeze(3), torch.cat([x, x], 2), torch.stack([a, a], 1), x.flip([0, 2]),
            x.roll(1, 2), x.repeat(1, 2, 1), x.repeat_interleave(2, 1), x.tile([2, 1]), torch.hstack([a, a]), torch.vstack([a, a]), torch.dstack([a, a]), x.expand(3, 2, 3, 4),
            x.unflatten(2, [2, 2]), torch.meshgrid([torch.arange(2), torch.arange(3)]),
            a.rot90(1, [0, 1]), a.tril(), a.triu(1), a.diag(), torch.diag_embed(a), x.chunk(2, 2), x.split([1, 2], 1), x.unbind(1),
            torch.tensor_split(x, 3, 1), x.narrow(2, 1, 2), x.moveaxis(0, 2), torch.column_stack([a, a]), torch.broadcast_to(a, [2, 6, 4]))


@fn(C(T(4, 5), ints(0, 2), T(2, 5, seed=1)), E(T(4, 5), ints(0, 8), T(2, 5)), tags=("operators", "index"))
def gather_scatter(x: Tensor, i: Tensor, y: Tensor):
    j = i.unsqueeze(1).expand(2, 5)
    mask = x > 0
    return (x.index_select(0, i), torch.gather(x, 0, j), x.scatter(0, j, y), x.scatter_add(0, j, y), x.scatter(0, j, 9.0), x.index_add(0, i, y), x.index_copy(0, i, y),
            x.index_fill(0, i, -1.0), x.masked_fill(mask, 0.0), x.masked_select(mask), x.masked_scatter(mask, torch.ones(20)), torch.take(x, i), x.nonzero(), torch.where(mask, x, -x),
            torch.where(mask), x.put(i, torch.ones(2)), torch.scatter_reduce(x, 0, j, y, reduce="amax"), torch.take_along_dim(x, j, 0), torch.index_put(x, [i], y), F.one_hot(i, 4),
            x.select_scatter(y[0], 0, 1), x.slice_scatter(y, 0, 1, 3), torch.nonzero(mask.any(1)), torch.argwhere(mask), torch.where(mask, 1.0, 0.0))


@fn(C(T(3, 4), T(4, 5, seed=1), T(2, 3, 4, seed=2)), E(T(3, 4), T(5, 4), T(2, 3, 4)), tags=("operators", "linear algebra"))
def matrix_products(a: Tensor, b: Tensor, c: Tensor):
    return (a @ b, torch.mm(a, b), torch.matmul(c, b), torch.bmm(c, c.transpose(1, 2)), torch.addmm(torch.ones(5), a, b, beta=0.5, alpha=2.0), a[0].dot(a[1]), torch.mv(a, b[:, 0]),
            torch.outer(a[0], b[0]), torch.einsum("ij,jk->ik", a, b), torch.einsum("bij,jk->bik", [c, b]), torch.tensordot(c, b, dims=([2], [0])), torch.baddbmm(c @ b, c, b.expand(2, 4, 5)),
            torch.kron(a, b), torch.inner(a, a), torch.vdot(a[0], a[1]), torch.cross(a[:, :3], a[:, 1:], dim=1), torch.addmv(a[:, 0], a, b[:, 0]),
            torch.cdist(c, c), torch.trace(a), torch.linalg.multi_dot([a, b]), torch.cosine_similarity(a, a.flip(0), dim=1))


@fn(C(T(3, 3, dtype="float64")), E(T(3, 4, dtype="float64")), tags=("operators", "linear algebra"), tolerance={"rtol": 1e-6, "atol": 1e-8})
def linear_algebra(x: Tensor):
    s = x @ x.t() + torch.eye(3, dtype=x.dtype)
    q, r = torch.linalg.qr(x)
    values = torch.linalg.eigvalsh(s)
    u = torch.linalg.svdvals(x)
    return (torch.linalg.inv(s), torch.linalg.det(x), torch.linalg.cholesky(s), torch.linalg.solve(s, x), q @ r, values, u, torch.linalg.norm(x), torch.linalg.matrix_norm(x),
            torch.linalg.vector_norm(x, 1.0), torch.logdet(s), torch.slogdet(s), torch.linalg.pinv(x), torch.matrix_exp(x), torch.linalg.matrix_power(x, 3), torch.linalg.matrix_rank(s))


@fn(E(data([[1.0, 2.0], [2.0, 4.0]])), C(data([[2.0, 1.0], [1.0, 2.0]])), tags=("operators", "raise"))
def singular_matrix(x: Tensor) -> Tensor:
    return torch.linalg.inv(x) @ x


@fn(C(T(2, 4, 6, 6), T(3, 4, 3, 3, seed=1), T(3, seed=2)), E(T(2, 4, 6, 6), T(3, 5, 3, 3), T(3)), tags=("functional",))
def functional_convolution(x: Tensor, w: Tensor, b: Optional[Tensor]):
    return (F.conv2d(x, w), F.conv2d(x, w, b, stride=2, padding=1), F.conv_transpose2d(x, w.transpose(0, 1)), F.unfold(x, [3, 3]),
            F.fold(F.unfold(x, [2, 2]), [6, 6], [2, 2]), F.pad(x, [1, 2]), F.pad(x, [1, 1, 2, 0], "reflect"), F.pad(x, [1, 1], "constant", 3.0), F.max_pool2d(x, 3, 2, 1),
            F.avg_pool2d(x, [2, 2], ceil_mode=True), F.adaptive_avg_pool2d(x, [3, 2]), F.adaptive_max_pool2d(x, 1), F.pixel_shuffle(x, 2), F.pixel_unshuffle(x, 2), F.lp_pool2d(x, 2.0, 2))


@fn(C(T(1, 2, 4, 4)), C(T(2, 1, 3, 5)), tags=("functional",))
def functional_resize(x: Tensor):
    theta = torch.tensor([[[0.8, 0.1, 0.0], [-0.1, 1.1, 0.2]]]).expand(x.size(0), 2, 3)
    grid = F.affine_grid(theta, [x.size(0), x.size(1), 3, 3], align_corners=False)
    return (F.interpolate(x, scale_factor=2.0), F.interpolate(x, size=[5, 7], mode="bilinear", align_corners=False), F.interpolate(x, scale_factor=1.5, mode="bicubic"),
            F.interpolate(x, size=[2, 2], mode="area"), F.interpolate(x, size=[3, 3], mode="bilinear", antialias=True), F.interpolate(x, size=3, mode="nearest-exact"),
            F.interpolate(x, scale_factor=[0.5, 2.0], recompute_scale_factor=True), grid, F.grid_sample(x, grid, align_corners=False), F.grid_sample(x, grid, mode="nearest", padding_mode="border", align_corners=True))


@fn(C(T(3, 4)), E(T(3)), tags=("functional",))
def functional_activations(x: Tensor):
    return (F.relu(x), F.relu6(x), F.gelu(x), F.gelu(x, approximate="tanh"), F.silu(x), F.mish(x), F.elu(x, 0.5), F.selu(x), F.celu(x), F.leaky_relu(x, 0.1), F.softplus(x), F.hardtanh(x),
            F.hardswish(x), F.hardsigmoid(x), F.softsign(x), F.tanhshrink(x), F.softmax(x, 1), F.softmax(x, 0, dtype=torch.float64), F.log_softmax(x, dim=1), F.logsigmoid(x), F.threshold(x, 0.0, 5.0),
            F.glu(x, 1), F.prelu(x, torch.full([4], 0.2)), F.normalize(x, dim=1), F.layer_norm(x, [4]), F.hardshrink(x), F.softshrink(x), F.rrelu(x), F.gumbel_softmax(x * 0, dim=1).sum() * 0)


@fn(C(T(3, 4), T(3, 4, seed=1)), tags=("functional", "loss"))
def functional_losses(x: Tensor, y: Tensor):
    t = torch.tensor([1, 0, 3])
    return (F.mse_loss(x, y), F.l1_loss(x, y, reduction="sum"), F.smooth_l1_loss(x, y, beta=0.3), F.huber_loss(x, y), F.cross_entropy(x, t), F.cross_entropy(x, y.softmax(1)), F.nll_loss(x.log_softmax(1), t),
            F.binary_cross_entropy(x.sigmoid(), y.sigmoid()), F.binary_cross_entropy_with_logits(x, y.sigmoid(), reduction="none"), F.kl_div(x.log_softmax(1), y.softmax(1), reduction="batchmean"),
            F.cosine_embedding_loss(x, y, torch.ones(3)), F.hinge_embedding_loss(x, y.sign()), F.margin_ranking_loss(x, y, y.sign()), F.soft_margin_loss(x, y.sign()), F.triplet_margin_loss(x, y, x + y),
            F.multilabel_soft_margin_loss(x, (y > 0).float()), F.poisson_nll_loss(x, y.abs()), F.pairwise_distance(x, y), F.cosine_similarity(x, y))


@fn(C(T(2, 8)), tags=("operators", "fft"))
def fourier(x: Tensor):
    f = torch.fft.fft(x)
    r = torch.fft.rfft(x)
    s = torch.stft(x, 4, 2, window=torch.hann_window(4), return_complex=True, center=False)
    return f, r, torch.fft.irfft(r), torch.fft.fft2(x), f.abs(), f.angle(), torch.view_as_real(f), torch.fft.fftshift(f), s, torch.hamming_window(5), torch.fft.fftfreq(4), torch.view_as_complex(x.view(2, 4, 2))


@fn(C(randint(0, 100, 6), randint(1, 9, 6, seed=1)), C(randint(0, 100, 6, dtype="int32"), randint(1, 9, 6, seed=1, dtype="uint8")), tags=("operators", "integers"))
def integer_operators(x: Tensor, y: Tensor):
    return (x + y, x - y, x * y, x / y, x // y, x % y, x & y, x | y, x ^ y, x << 1, x >> 1, x.bitwise_not(), x.sum(), x.cumsum(0), x.max(), torch.gcd(x, y), torch.lcm(x, y), x.float().mean(),
            torch.div(x, y, rounding_mode="trunc"), x.pow(2), x.clamp(10, 50), x.sort()[0], x == y, x.prod(), torch.bitwise_and(x, 6), x.abs(), x.neg(), x.sign(), x.fmod(y), x.prod(dtype=torch.float64))

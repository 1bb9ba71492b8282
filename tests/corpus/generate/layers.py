"""torch.nn's layers as modules, scripted; their archives hold torch's own functional code."""

from typing import List, Optional, Tuple

import torch
import torch.nn as nn
from torch import Tensor

import registry
from registry import module
from values import C, E, L, T, Tup, data, ints, randint


class Many(nn.Module):
    """Runs each layer on the same input and gives all results."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> List[Tensor]:
        out: List[Tensor] = []
        for layer in self.layers:
            out.append(layer(x))
        return out


def layers(name, make, *calls, train=False, **options):
    def build():
        torch.manual_seed(11)
        made = make()
        made = Many(*made) if isinstance(made, list) else made
        return torch.jit.script(made.train(train))

    registry.add(registry.Program(name, build, list(calls), tags=("layers",), **options))


_image = T(2, 4, 6, 7, seed=1)
layers("conv2d_forms", lambda: [
    nn.Conv2d(4, 3, 3), nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), nn.Conv2d(4, 8, 3, groups=4, padding="same"),
    nn.Conv2d(4, 2, (1, 3), dilation=(1, 2), padding=(0, 2)), nn.Conv2d(4, 2, 3, padding=2, padding_mode="reflect"),
    nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular")], C(_image), C(T(4, 6, 7)), E(T(2, 3, 6, 7)))
layers("conv1d_forms", lambda: [
    nn.Conv1d(3, 4, 3), nn.Conv1d(3, 6, 3, stride=2, padding=1, groups=3), nn.Conv1d(3, 2, 3, padding="valid", dilation=2),
    nn.Conv1d(3, 2, 3, padding=1, padding_mode="replicate")], C(T(2, 3, 9)), E(T(2, 3, 1)))
layers("conv3d_forms", lambda: [nn.Conv3d(2, 3, 2), nn.Conv3d(2, 4, 3, padding=1, groups=2)], C(T(1, 2, 4, 5, 3)))
layers("conv_transpose_forms", lambda: [
    nn.ConvTranspose2d(4, 3, 3), nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1),
    nn.ConvTranspose2d(4, 8, 2, groups=2, bias=False, dilation=2)], C(_image), E(T(2, 5, 6, 7)))


@module(C(T(1, 4, 5, 5)), C(T(1, 4, 5, 5), L("int", 10, 10)), C(T(2, 4, 5), kwargs={"size": None}, method="one"),
        E(T(1, 4, 5, 5), L("int", 50, 10)), tags=("layers", "optional"))
class ConvTransposeWithSize(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.up = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)
        self.up1 = nn.ConvTranspose1d(4, 2, 3, stride=2)

    def forward(self, x: Tensor, size: Optional[List[int]] = None) -> Tensor:
        return self.up(x, size)

    @torch.jit.export
    def one(self, x: Tensor, size: Optional[List[int]] = None) -> Tensor:
        return self.up1(x, size)


layers("batch_norm_eval", lambda: [nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False),
                                   nn.BatchNorm2d(4, track_running_stats=False)], C(_image), E(T(2, 4)), E(T(2, 5, 6, 7)))
layers("batch_norm_training", lambda: [nn.BatchNorm2d(4), nn.BatchNorm2d(4, momentum=None), nn.BatchNorm2d(4, affine=False)],
       C(_image), C(T(3, 4, 2, 2, seed=2)), C(_image, before="eval"), E(T(1, 4, 1, 1), before="train"), train=True)
layers("batch_norm1d", lambda: [nn.BatchNorm1d(5), nn.BatchNorm1d(5, eps=0.1)], C(T(3, 5)), C(T(3, 5, 4)), C(T(3, 5), before="train"),
       C(T(3, 5), before="eval"))
layers("instance_group_layer_norm", lambda: [
    nn.InstanceNorm2d(4), nn.InstanceNorm2d(4, affine=True, track_running_stats=True), nn.GroupNorm(2, 4), nn.GroupNorm(4, 4, affine=False),
    nn.LayerNorm([6, 7]), nn.LayerNorm(7, elementwise_affine=False), nn.LocalResponseNorm(2), nn.RMSNorm([7])],
    C(_image), E(T(2, 4, 6, 8)))
layers("pooling_2d", lambda: [
    nn.MaxPool2d(2), nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True), nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    nn.AdaptiveAvgPool2d((2, 3)), nn.AdaptiveMaxPool2d(2), nn.LPPool2d(2.0, 2), nn.AdaptiveAvgPool2d(1)], C(_image), E(T(2, 4, 1, 1)))
layers("pooling_1d_3d", lambda: [nn.MaxPool1d(2), nn.AvgPool1d(3, 1, 1), nn.AdaptiveAvgPool1d(2), nn.AdaptiveMaxPool1d(3)],
       C(T(2, 3, 8)))
layers("activations_smooth", lambda: [
    nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU(), nn.Mish(), nn.ELU(0.5), nn.SELU(), nn.CELU(0.7), nn.Softplus(2.0, 3.0), nn.Sigmoid(),
    nn.LogSigmoid(), nn.Tanh(), nn.Softsign(), nn.Tanhshrink(), nn.Softmax(dim=-1), nn.LogSoftmax(dim=0), nn.Softmin(dim=1)],
    C(T(3, 4, std=3.0)))
layers("activations_piecewise", lambda: [
    nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(), nn.Hardtanh(-0.5, 2.0), nn.Hardswish(), nn.Hardsigmoid(), nn.Hardshrink(),
    nn.Softshrink(), nn.Threshold(0.1, 20.0), nn.RReLU(), nn.GLU(dim=1), nn.Identity()], C(T(3, 4, std=3.0)), E(T(3, 3)))


@module(C(T(3, 4)), tags=("layers", "aliasing", "inplace"))
class ActivationsInPlace(nn.Module):
    """The input changes under each layer; the outputs are all the input."""

    def __init__(self):
        super().__init__()
        self.steps = nn.Sequential(nn.LeakyReLU(0.3, inplace=True), nn.Hardtanh(-1.0, 1.0, inplace=True), nn.ELU(inplace=True),
                                   nn.Hardswish(inplace=True), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        y = self.steps(x)
        return x, y


layers("padding", lambda: [
    nn.ZeroPad2d((1, 0, 2, 1)), nn.ConstantPad2d(1, 3.5), nn.ReflectionPad2d(2), nn.ReplicationPad2d((0, 1, 1, 0)), nn.CircularPad2d(1)],
    C(_image))
layers("reshaping", lambda: [
    nn.Flatten(), nn.Flatten(0, 1), nn.Unflatten(1, (2, 2)), nn.PixelShuffle(2), nn.ChannelShuffle(2), nn.Unfold(3, padding=1)], C(_image))
layers("upsample", lambda: [
    nn.Upsample(scale_factor=2.0), nn.Upsample(size=[5, 9], mode="bilinear", align_corners=True),
    nn.Upsample(scale_factor=(1.5, 2.0), mode="bilinear"), nn.Upsample(size=8, mode="bicubic", align_corners=False),
    nn.UpsamplingNearest2d(scale_factor=3.0)], C(_image), C(T(1, 4, 3, 3)))
layers("dropout_eval", lambda: [nn.Dropout(0.5), nn.Dropout2d(0.5), nn.AlphaDropout(), nn.FeatureAlphaDropout()], C(_image))
layers("dropout_train", lambda: [nn.Dropout(0.5), nn.Dropout2d(0.5), nn.AlphaDropout(), nn.FeatureAlphaDropout(), nn.Dropout(0.0)],
       C(_image), C(_image), C(_image, before="eval"), train=True)
layers("rrelu_train", lambda: [nn.RReLU(0.1, 0.9)], C(T(3, 4)), train=True)


@module(C(randint(0, 10, 2, 3)), C(randint(0, 10, 4, dtype="int32")), E(ints(3, 10)), E(ints(-1)), tags=("layers",))
class Embeddings(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.plain = nn.Embedding(10, 4)
        self.padded = nn.Embedding(10, 4, padding_idx=2)
        self.bounded = nn.Embedding(10, 4, max_norm=1.0)

    def forward(self, ids: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        return self.plain(ids), self.padded(ids), self.bounded(ids)


@module(C(randint(0, 10, 7), ints(0, 2, 5)), C(randint(0, 10, 3, 2)), C(randint(0, 10, 4), ints(0, 2), T(4)), E(randint(0, 10, 7)),
        tags=("layers", "optional"))
class EmbeddingBags(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.sum = nn.EmbeddingBag(10, 4, mode="sum")
        self.mean = nn.EmbeddingBag(10, 4, mode="mean")
        self.max = nn.EmbeddingBag(10, 4, mode="max", padding_idx=1)

    def forward(self, ids: Tensor, offsets: Optional[Tensor] = None, weights: Optional[Tensor] = None) -> List[Tensor]:
        out = [self.sum(ids, offsets, weights)]
        if weights is None:
            out.append(self.mean(ids, offsets))
            out.append(self.max(ids, offsets))
        return out


@module(C(T(3, 4), T(3, 5, seed=1)), C(T(3, 4), T(3, 5, seed=1), kwargs={"deep": False}), E(T(3, 4), T(2, 5)), tags=("layers",))
class LinearForms(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a = nn.Linear(4, 6)
        self.b = nn.Linear(5, 6, bias=False)
        self.c = nn.Bilinear(6, 6, 3)
        self.cosine = nn.CosineSimilarity(dim=1)
        self.distance = nn.PairwiseDistance(p=2.0)

    def forward(self, x: Tensor, y: Tensor, deep: bool = True):
        x, y = self.a(x), self.b(y)
        z = self.c(x, y) if deep else x - y
        return z, self.cosine(x, y), self.distance(x, y)


class Losses(nn.Module):
    def __init__(self):
        super().__init__()
        self.smooth = nn.SmoothL1Loss(beta=0.5)
        self.huber = nn.HuberLoss(reduction="sum", delta=0.7)
        self.mse = nn.MSELoss(reduction="none")
        self.kl = nn.KLDivLoss(reduction="batchmean")
        self.poisson = nn.PoissonNLLLoss(full=True)
        self.soft_margin = nn.SoftMarginLoss()

    def forward(self, x: Tensor, y: Tensor) -> List[Tensor]:
        return [self.smooth(x, y), self.huber(x, y), self.mse(x, y), self.kl(x.log_softmax(1), y.softmax(1)),
                self.poisson(x, y.abs()), self.soft_margin(x, y.sign())]


module(C(T(3, 4), T(3, 4, seed=1)), E(T(3, 4), T(3, 5)), name="losses_regression", tags=("layers", "loss"))(Losses)


@module(C(T(4, 5), randint(0, 5, 4, seed=1)), C(T(4, 5), ints(0, -100, 3, 2)), E(T(4, 5), ints(0, 1, 2)), E(T(4, 5), ints(0, 1, 2, 5)),
        tags=("layers", "loss"))
class LossesOfClasses(nn.Module):
    def __init__(self):
        super().__init__()
        self.cross = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.weighted = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0]), reduction="sum")
        self.nll = nn.NLLLoss(reduction="none")
        self.margin = nn.MultiMarginLoss()

    def forward(self, x: Tensor, y: Tensor) -> List[Tensor]:
        out = [self.cross(x, y), self.weighted(x, y), self.nll(x.log_softmax(1), y)]
        if bool((y >= 0).all()):
            out.append(self.margin(x, y))
        return out


@module(C(T(3, 4), randint(0, 2, 3, 4, seed=1, dtype="float32"), T(3, 4, seed=2)), E(T(3, 4, std=5.0), T(3, 4), T(3, 5)),
        tags=("layers", "loss"))
class LossesBinaryAndMetric(nn.Module):
    def __init__(self):
        super().__init__()
        self.bce = nn.BCELoss()
        self.logits = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0, 4.0]))
        self.hinge = nn.HingeEmbeddingLoss()
        self.triplet = nn.TripletMarginLoss(swap=True)
        self.cosine = nn.CosineEmbeddingLoss()
        self.ranking = nn.MarginRankingLoss(0.2)
        self.multi = nn.MultiLabelSoftMarginLoss()

    def forward(self, x: Tensor, target: Tensor, other: Tensor) -> List[Tensor]:
        sign = target * 2.0 - 1.0
        return [self.bce(x.sigmoid(), target), self.logits(x, target), self.hinge(x, sign), self.triplet(x, other, -x),
                self.cosine(x, other, sign[:, 0]), self.ranking(x, other, sign), self.multi(x, target)]


@module(C(T(5, 2, 4), ints(1, 2, 3, 1, 2, 1), ints(5, 4), ints(4, 2)), tags=("layers", "loss"))
class CtcLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.loss = nn.CTCLoss(blank=0, zero_infinity=True)

    def forward(self, x: Tensor, targets: Tensor, sizes: Tensor, target_sizes: Tensor) -> Tensor:
        return self.loss(x.log_softmax(2), targets, sizes, target_sizes)


@module(C(T(2, 4, 6, 6)), tags=("layers",))
class MaxPoolWithIndices(nn.Module):
    """`return_indices` is decided when scripting: another overload of the same function."""

    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d((2, 2), return_indices=True)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        y, where = self.pool(x)
        return y, where, nn.functional.max_unpool2d(y, where, [2, 2])


@module(C(T(1, 1, 16, 16)), fill=True, tags=("layers",))
class UNet(nn.Module):
    """Down, across and up, with concatenations."""

    def __init__(self):
        super().__init__()

        def block(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))

        self.down = nn.ModuleList([block(1, 8), block(8, 16)])
        self.bottom = block(16, 32)
        self.up = nn.ModuleList([nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2)])
        self.join = nn.ModuleList([block(32, 16), block(16, 8)])
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: List[Tensor] = []
        for down in self.down:
            x = down(x)
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.bottom(x)
        for i, (up, join) in enumerate(zip(self.up, self.join)):
            x = join(torch.cat([up(x), skips[len(skips) - 1 - i]], 1))
        return self.head(x)


@module(C(T(2, 1, 28, 28), T(2, 20, seed=1)), fill=True, tags=("layers", "random"))
class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU())
        self.mean = nn.Linear(64, 20)
        self.log_var = nn.Linear(64, 20)
        self.decode = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 784), nn.Sigmoid())

    def forward(self, x: Tensor, noise: Tensor):
        h = self.encode(x)
        mean, log_var = self.mean(h), self.log_var(h)
        z = mean + torch.exp(0.5 * log_var) * noise
        z2 = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.decode(z).view_as(x), self.decode(z2), mean, log_var

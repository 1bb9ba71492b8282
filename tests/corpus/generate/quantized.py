"""Quantized modules and tensors: packed parameters are custom classes that restore themselves when loaded."""

from typing import List, Tuple

import torch
import torch.ao.quantization as quantization
import torch.nn as nn
from torch import Tensor

from registry import fn, module, scripted, traced
from values import C, D, E, L, T, data, ints, randint

QUANTIZED = {"tags": ("quantized",), "tolerance": {"rtol": 1e-4, "atol": 1e-5}}


def dynamic(model, kinds, **options):
    torch.manual_seed(0)
    return quantization.quantize_dynamic(model().eval(), kinds, **options)


@scripted(C(T(2, 8)), C(T(3, 2, 8)), E(T(2, 7)), **QUANTIZED)
def dynamic_linear():
    return torch.jit.script(dynamic(lambda: nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)), {nn.Linear}))


@scripted(C(T(2, 8)), **QUANTIZED)
def dynamic_linear_half():
    return torch.jit.script(dynamic(lambda: nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 3)), {nn.Linear}, dtype=torch.float16))


@traced(C(T(2, 8)), **QUANTIZED)
def dynamic_linear_traced():
    return dynamic(lambda: nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)), {nn.Linear}), torch.randn(2, 8)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(4, 5, num_layers=2, bidirectional=True)
        self.head = nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        out, state = self.rnn(x)
        return self.head(out), state


class GruReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 5)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return self.rnn(x)


@scripted(C(T(6, 2, 4)), **QUANTIZED)
def dynamic_lstm():
    return torch.jit.script(dynamic(Reader, {nn.LSTM, nn.Linear}))


@scripted(C(T(6, 2, 4)), **QUANTIZED)
def dynamic_gru():
    return torch.jit.script(dynamic(GruReader, {nn.GRU}))


@scripted(C(T(2, 4)), **QUANTIZED)
def dynamic_cells():
    class Cells(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTMCell(4, 5)
            self.gru = nn.GRUCell(4, 5)

        def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
            h, c = self.lstm(x)
            return h, c, self.gru(x)

    return torch.jit.script(dynamic(Cells, {nn.LSTMCell, nn.GRUCell}))


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = quantization.QuantStub()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.down = nn.Conv2d(8, 8, 3, stride=2, groups=2)
        self.add = torch.ao.nn.quantized.FloatFunctional()
        self.head = nn.Linear(8, 4)
        self.dequant = quantization.DeQuantStub()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv(self.quant(x))))
        x = self.down(x)
        x = self.add.add(x, x)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1)).flatten(1)
        return self.dequant(self.head(x))


def static_net(engine):
    torch.backends.quantized.engine = engine
    torch.manual_seed(0)
    model = ConvNet().eval()
    model.qconfig = quantization.get_default_qconfig(engine)
    fused = quantization.fuse_modules(model, [["conv", "norm", "relu"]])
    ready = quantization.prepare(fused)
    ready(torch.randn(4, 3, 8, 8))
    return quantization.convert(ready)


@scripted(C(T(1, 3, 8, 8)), C(T(2, 3, 12, 9)), **QUANTIZED)
def static_conv_net():
    return torch.jit.script(static_net("fbgemm"))


@traced(C(T(1, 3, 8, 8)), **QUANTIZED)
def static_conv_net_traced():
    return static_net("fbgemm"), torch.randn(1, 3, 8, 8)


@fn(C(T(2, 3), 0.1, 2), C(T(2, 3), 0.05, 128), E(T(2, 3), 0.1, 300), **QUANTIZED)
def quantize_tensors(x: Tensor, scale: float, zero: int):
    q = torch.quantize_per_tensor(x, scale, zero, torch.quint8)
    c = torch.quantize_per_channel(x, torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8)
    f = torch.fake_quantize_per_tensor_affine(x, scale, zero, 0, 255)
    return q, q.dequantize(), q.int_repr(), q.q_scale(), q.q_zero_point(), c.dequantize(), c.int_repr(), c.q_per_channel_scales(), f, q.is_quantized, c.q_per_channel_axis()


@fn(C(T(2, 4, quantize={"scale": 0.1, "zero_point": 10, "dtype": "quint8"}), T(2, 4, seed=1, quantize={"scale": 0.2, "zero_point": 3, "dtype": "quint8"})), **QUANTIZED)
def quantized_operators(x: Tensor, y: Tensor):
    return (torch.ops.quantized.add(x, y, 0.3, 7), torch.ops.quantized.mul(x, y, 0.3, 7), torch.ops.quantized.add_relu(x, y, 0.3, 7), torch.relu(x), torch.cat([x, x]), x.view(4, 2),
            torch.ops.quantized.cat([x, y], 1, 0.2, 5), x.dequantize() + y.dequantize(), torch.max(x), torch.nn.functional.hardtanh(x, 0.0, 1.0), x[0], x.t().contiguous())


@module(C(), C(T(2, 3)), tags=("quantized", "attributes"))
class QuantizedAttributes(nn.Module):
    """Quantized tensors among the buffers, per tensor and per channel."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        x = torch.randn(2, 3)
        self.register_buffer("q", torch.quantize_per_tensor(x, 0.1, 5, torch.quint8))
        self.register_buffer("c", torch.quantize_per_channel(x, torch.tensor([0.1, 0.2]), torch.tensor([1, 2]), 0, torch.qint8))

    def forward(self, x: Tensor = torch.zeros(1)) -> Tuple[Tensor, Tensor, Tensor]:
        return self.q, self.c.dequantize(), self.q.dequantize() + x


@scripted(C(randint(0, 10, 6), ints(0, 2, 3)), **QUANTIZED)
def quantized_embedding_bag():
    torch.manual_seed(0)
    made = nn.EmbeddingBag(10, 16, mode="sum", include_last_offset=True)
    made.qconfig = quantization.float_qparams_weight_only_qconfig
    holder = nn.Sequential(made)
    converted = quantization.convert(quantization.prepare(holder.eval()))

    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.bag = converted[0]

        def forward(self, ids: Tensor, offsets: Tensor) -> Tensor:
            return self.bag(ids, offsets)

    return torch.jit.script(Bag())

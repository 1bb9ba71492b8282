"""The models of docs/performance.md's table, with random weights: archives and inputs for vesta_zoo_times.

usage: zoo.py FOLDER [NAME...]

Writes NAME.pt, by torch.jit.script or trace, and for each batch size NAME@bN.inputs, the arguments as one pickled tuple.
Needs Python's torch and torchvision. What is there already is not made again.
"""
import argparse
import math
import pathlib
import warnings
from typing import Dict, List, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision.models as tvm
from torch import Tensor


# ---------------------------------------------------------------- transformers
class BertLayer(nn.Module):
    def __init__(self, d=256, h=4, ff=1024):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.l1, self.l2 = nn.Linear(d, ff), nn.Linear(ff, d)
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.h, self.dk = h, d // h

    def split(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), self.h, self.dk).permute(0, 2, 1, 3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        a = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(self.dk) + mask
        a = torch.softmax(a, -1)
        c = torch.matmul(a, v).permute(0, 2, 1, 3).contiguous().view(x.size(0), x.size(1), self.h * self.dk)
        x = self.n1(x + self.o(c))
        return self.n2(x + self.l2(F.gelu(self.l1(x))))


class Bert(nn.Module):
    def __init__(self, n=4, d=256, vocab=1000, seq=128):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(seq, d)
        self.ln = nn.LayerNorm(d)
        self.layers = nn.ModuleList([BertLayer(d) for _ in range(n)])
        self.cls = nn.Linear(d, 10)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        m = (1.0 - mask[:, None, None, :]) * -10000.0
        x = self.ln(self.tok(ids) + self.pos(torch.arange(ids.size(1))))
        for l in self.layers:
            x = l(x, m)
        return self.cls(torch.tanh(x[:, 0]))


def encoder(d=256, n=4):
    l = nn.TransformerEncoderLayer(d, 4, 1024, 0.1, activation="gelu", batch_first=True)
    return nn.TransformerEncoder(l, n, enable_nested_tensor=False)


def small_vit():
    return tvm.VisionTransformer(image_size=224, patch_size=16, num_layers=12, num_heads=6,
                                 hidden_dim=384, mlp_dim=1536)


# ---------------------------------------------------------------- recurrent, control flow
class LstmChar(nn.Module):
    """hand-written LSTM cell in a Python loop, greedy feed-back, data-dependent branch and exit"""

    def __init__(self, v=96, e=32, h=128):
        super().__init__()
        self.emb, self.x2h, self.h2h, self.out = nn.Embedding(v, e), nn.Linear(e, 4*h), nn.Linear(h, 4*h), nn.Linear(h, v)
        self.h = h

    def forward(self, start: Tensor, n: int) -> Tuple[Tensor, int]:
        h = torch.zeros([1, self.h])
        c = torch.zeros([1, self.h])
        ch = start
        outs: List[Tensor] = []
        seen = 0
        for i in range(n):
            g = self.x2h(self.emb(ch)) + self.h2h(h)
            i_, f_, g_, o_ = g.chunk(4, 1)
            c = torch.sigmoid(f_) * c + torch.sigmoid(i_) * torch.tanh(g_)
            h = torch.sigmoid(o_) * torch.tanh(c)
            logits = self.out(h)
            ch = torch.argmax(logits, 1)
            k = int(ch.item())
            if k % 2 == 0:
                seen += 1
            elif k == 10000:
                break
            outs.append(logits)
        return torch.cat(outs, 0), seen


class GruChar(nn.Module):
    """nn.GRUCell over a given sequence"""

    def __init__(self, v=96, e=32, h=128):
        super().__init__()
        self.emb, self.cell, self.out = nn.Embedding(v, e), nn.GRUCell(e, h), nn.Linear(h, v)
        self.h = h

    def forward(self, ids: Tensor) -> Tensor:
        x = self.emb(ids)
        h = torch.zeros([ids.size(0), self.h])
        outs: List[Tensor] = []
        for t in range(ids.size(1)):
            h = self.cell(x[:, t], h)
            outs.append(self.out(h))
        return torch.stack(outs, 1)


# ---------------------------------------------------------------- overhead-dominated
class Mlp(nn.Module):
    def __init__(self, d=64):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x: Tensor) -> Tensor:
        return self.c(torch.relu(self.b(torch.relu(self.a(x)))))


class RecSys(nn.Module):
    def __init__(self, tables=8, rows=5000, d=16, dense=13):
        super().__init__()
        self.bags = nn.ModuleList([nn.EmbeddingBag(rows, d, mode="sum") for _ in range(tables)])
        self.bot = nn.Sequential(nn.Linear(dense, 64), nn.ReLU(), nn.Linear(64, d), nn.ReLU())
        n = tables + 1
        self.top = nn.Sequential(nn.Linear(d + n * (n - 1) // 2 + 13, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))
        li, lj = torch.tril_indices(n, n, -1)
        self.register_buffer("idx", li * n + lj)
        self.register_buffer("mean", torch.randn(dense))
        self.register_buffer("std", torch.rand(dense) + .5)

    def forward(self, dense: Tensor, ids: Tensor, offs: Tensor) -> Tensor:
        x = (torch.log1p(torch.clamp(dense, min=0.0)) - self.mean) / self.std
        x = torch.where(torch.isnan(x), torch.zeros_like(x), x)
        x = torch.clamp(x, -3.0, 3.0)
        e: List[Tensor] = [self.bot(x)]
        i = 0
        for b in self.bags:
            e.append(b(ids[i], offs))
            i += 1
        t = torch.stack(e, 1)
        inter = torch.bmm(t, t.transpose(1, 2)).flatten(1).index_select(1, self.idx)
        xs = torch.sigmoid(x) * x + torch.tanh(x * 0.5)
        p = torch.sigmoid(self.top(torch.cat([e[0], inter, xs], 1)))
        return torch.clamp(p * 1.02 - 0.01, 1e-4, 1 - 1e-4).squeeze(1)


def pointwise30(a: Tensor, b: Tensor) -> Tensor:
    x = a * b + a
    x = torch.sigmoid(x) * x
    y = torch.tanh(x - b)
    x = x * 0.5 + y * 0.25
    x = torch.relu(x) - 0.1 * b
    y = torch.exp(-torch.abs(y))
    x = x * y + a
    x = torch.clamp(x, -4.0, 4.0)
    y = x * x + 1.0
    x = x / torch.sqrt(y)
    x = torch.where(x > 0.0, x, x * 0.01)
    y = torch.maximum(x, b) - torch.minimum(x, a)
    return (x + y) * (x - y) + 0.125


# ---------------------------------------------------------------- scalar programs
def fib(n: int) -> int:
    a, b = 0, 1
    for i in range(n):
        a, b = b, (a + b) % 1000007
    return a


def collatz(n: int) -> int:
    best = 0
    for s in range(1, n):
        x = s
        k = 0
        while x != 1:
            if x % 2 == 0:
                x = x // 2
            else:
                x = 3 * x + 1
            k += 1
        if k > best:
            best = k
    return best


def nested(n: int) -> int:
    acc: List[int] = []
    for i in range(n):
        acc.append(i * 7 % 13)
    t = 0
    for i in range(n):
        for j in range(n):
            t += acc[i] * acc[j] - (i ^ j)
            acc[j] = (acc[j] + t) % 101
    return t


def mandel(n: int) -> int:
    tot = 0
    for i in range(n):
        for j in range(n):
            cr = 3.0 * j / n - 2.0
            ci = 2.0 * i / n - 1.0
            zr = 0.0
            zi = 0.0
            k = 0
            while zr * zr + zi * zi <= 4.0 and k < 50:
                t = zr * zr - zi * zi + cr
                zi = 2.0 * zr * zi + ci
                zr = t
                k += 1
            tot += k
    return tot


def words(text: str, rounds: int) -> int:
    total = 0
    for r in range(rounds):
        cnt: Dict[str, int] = {}
        for w in text.split(" "):
            w = w.lower().strip(".,")
            if len(w) == 0:
                continue
            if w in cnt:
                cnt[w] += 1
            else:
                cnt[w] = 1
        ks: List[str] = []
        for k in cnt.keys():
            if k.startswith("a") or len(k) > 4:
                ks.append(k + ":" + str(cnt[k]))
        ks.sort()
        line = ",".join(ks)
        total += len(line) + line.find("e")
        for c in line:
            if c == "o":
                total += 1
    return total


class FibM(nn.Module):
    def forward(self, n: int) -> int:
        return fib(n)


class CollatzM(nn.Module):
    def forward(self, n: int) -> int:
        return collatz(n)


class NestedM(nn.Module):
    def forward(self, n: int) -> int:
        return nested(n)


class MandelM(nn.Module):
    def forward(self, n: int) -> int:
        return mandel(n)


class WordsM(nn.Module):
    def forward(self, text: str, rounds: int) -> int:
        return words(text, rounds)


class PwM(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return pointwise30(a, b)

TEXT = ("It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of "
        "foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, "
        "it was the season of Darkness, it was the spring of hope, it was the winter of despair. ") * 3


def _img(b, s=224):
    return (torch.randn(b, 3, s, s),)


def _bert(b):
    return (torch.randint(0, 1000, (b, 128)), torch.ones(b, 128))


def _rec(b):
    return (torch.randn(b, 13) * 2, torch.randint(0, 5000, (8, b * 4)), torch.arange(0, b * 4, 4))

# name -> (module factory, how, inputs(batch), batches)
ZOO = {
    "resnet18_t":  (lambda: tvm.resnet18(), "trace", _img, (1, 8)),
    "resnet18_s":  (lambda: tvm.resnet18(), "script", _img, (1,)),
    "mobilenet_v2": (lambda: tvm.mobilenet_v2(), "trace", _img, (1, 8)),
    "mobilenet_v3_small": (lambda: tvm.mobilenet_v3_small(), "trace", _img, (1, 8)),
    "efficientnet_b0": (lambda: tvm.efficientnet_b0(), "trace", _img, (1, 8)),
    "squeezenet1_1": (lambda: tvm.squeezenet1_1(), "trace", _img, (1, 8)),
    "densenet121": (lambda: tvm.densenet121(), "trace", _img, (1, 8)),
    "googlenet_s": (lambda: tvm.googlenet(init_weights=False, aux_logits=False, transform_input=True), "script", _img, (1, 8)),
    "vit_small":   (small_vit, "trace", _img, (1, 8)),
    "vit_b_16":    (lambda: tvm.vit_b_16(), "trace", _img, (1,)),
    "encoder":     (encoder, "trace", lambda b: (torch.randn(b, 128, 256),), (1, 8)),
    "encoder_s":   (encoder, "script", lambda b: (torch.randn(b, 128, 256),), (1, 8)),
    "bert":        (Bert, "trace", _bert, (1, 8)),
    "bert_s":      (Bert, "script", _bert, (1, 8)),
    "lstm_char":   (LstmChar, "script", lambda b: (torch.tensor([5]), 64), (1,)),
    "gru_char":    (GruChar, "script", lambda b: (torch.randint(0, 96, (b, 64)),), (1, 8)),
    "mlp":         (Mlp, "trace", lambda b: (torch.randn(b, 64),), (1, 8)),
    "recsys":      (RecSys, "script", _rec, (1, 8)),
    "pw_64":       (PwM, "script", lambda b: (torch.randn(64), torch.randn(64)), (1,)),
    "pw_1e5":      (PwM, "script", lambda b: (torch.randn(100000), torch.randn(100000)), (1,)),
    "pw_1e6":      (PwM, "script", lambda b: (torch.randn(1000000), torch.randn(1000000)), (1,)),
    "fib":         (FibM, "script", lambda b: (10000,), (1,)),
    "collatz":     (CollatzM, "script", lambda b: (300,), (1,)),
    "nested":      (NestedM, "script", lambda b: (60,), (1,)),
    "mandel":      (MandelM, "script", lambda b: (24,), (1,)),
    "words":       (WordsM, "script", lambda b: (TEXT, 4), (1,)),
}


def make(name):
    torch.manual_seed(0)
    model = ZOO[name][0]().eval()
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):  # Statistics such that folding them is no identity.
            part.running_mean.normal_(0, .1)
            part.running_var.uniform_(.5, 1.5)
    return model


def write(folder, name):
    _, how, inputs, batches = ZOO[name]
    archive = folder / f"{name}.pt"
    for batch in batches:
        torch.manual_seed(1)
        arguments = inputs(batch)
        torch.save(arguments, folder / f"{name}@b{batch}.inputs")
        if archive.exists():
            continue
        model = make(name)
        with torch.no_grad():
            program = torch.jit.trace(model, arguments) if how == "trace" else torch.jit.script(model)
        program.save(str(archive))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="name")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for name in arguments.names or ZOO:
        write(arguments.folder, name)
    # The archive of the voice-activity detector is its authors'.
    torch.save((torch.zeros(1, 512), 16000), arguments.folder / "silero_vad@b1.inputs")


if __name__ == "__main__":
    main()

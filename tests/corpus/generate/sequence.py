"""Recurrent networks, transformers and attention."""

from typing import List, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import registry
from registry import module, scripted, traced
from values import C, E, T, Tup, arg, data, ints, randint, result

WIDE = {"fill": True, "tolerance": {"rtol": 1e-4, "atol": 1e-5}}


class LstmHolder(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, x: Tensor, state: Optional[Tuple[Tensor, Tensor]] = None):
        return self.rnn(x, state)


class RnnHolder(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, x: Tensor, state: Optional[Tensor] = None):
        return self.rnn(x, state)


def recurrent(name, make, *calls, **options):
    def build():
        torch.manual_seed(0)
        made = make()
        if isinstance(made, nn.LSTM):
            made = LstmHolder(made)
        elif isinstance(made, (nn.GRU, nn.RNN)):
            made = RnnHolder(made)
        return torch.jit.script(made.eval())

    registry.add(registry.Program(name, build, list(calls), tags=("sequence",), **options))


_x = T(5, 2, 4)
recurrent("lstm", lambda: nn.LSTM(4, 3), C(_x), C(_x, Tup(T(1, 2, 3, seed=1), T(1, 2, 3, seed=2))), C(T(5, 4)),
          E(T(5, 2, 7)), E(_x, Tup(T(1, 9, 3), T(1, 9, 3))))
recurrent("lstm_bidirectional_deep", lambda: nn.LSTM(4, 3, num_layers=2, bidirectional=True, batch_first=True),
          C(T(2, 5, 4)), C(T(2, 5, 4), Tup(T(4, 2, 3, seed=1), T(4, 2, 3, seed=2))))
recurrent("lstm_projected", lambda: nn.LSTM(4, 6, proj_size=3, num_layers=2), C(_x))
recurrent("lstm_training", lambda: nn.LSTM(4, 3, num_layers=2, dropout=0.5), C(_x, before="train"), C(_x, before="eval"))
recurrent("gru", lambda: nn.GRU(4, 3), C(_x), C(_x, T(1, 2, 3, seed=1)), C(T(5, 4)), E(T(5, 2, 4, dtype="int64", init="ones")))
recurrent("gru_bidirectional_deep", lambda: nn.GRU(4, 3, num_layers=2, bidirectional=True, bias=False), C(_x))
recurrent("rnn_tanh", lambda: nn.RNN(4, 3, num_layers=2), C(_x), C(_x, T(2, 2, 3, seed=1)))
recurrent("rnn_relu", lambda: nn.RNN(4, 3, nonlinearity="relu", batch_first=True), C(T(2, 5, 4)))
recurrent("lstm_cell", lambda: nn.LSTMCell(4, 3), C(T(2, 4)), C(T(2, 4), Tup(T(2, 3, seed=1), T(2, 3, seed=2))), E(T(2, 5)))
recurrent("gru_cell", lambda: nn.GRUCell(4, 3), C(T(2, 4)), C(T(2, 4), T(2, 3, seed=1)))
recurrent("rnn_cell", lambda: nn.RNNCell(4, 3, nonlinearity="relu"), C(T(2, 4)), C(T(2, 4), T(2, 3, seed=1)))


@module(C(T(4, 3, 5), ints(4, 3, 1)), C(T(4, 3, 5), ints(2, 4, 3)), E(T(4, 3, 5), ints(4, 0, 1)), args=(), tags=("sequence",))
class PackedLstm(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.LSTM(5, 4, bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        out, (h, c) = self.rnn(packed)
        padded, sizes = pad_packed_sequence(out, padding_value=-1.0)
        return padded, sizes, h


@module(C(T(3, 4, 5), ints(4, 2, 1)), tags=("sequence", "classes"))
class PackedGru(nn.Module):
    """Gives the packed sequence itself out: a NamedTuple of torch's own."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.GRU(5, 4, num_layers=2, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor):
        packed = pack_padded_sequence(x, lengths, batch_first=True)
        out, h = self.rnn(packed)
        return out, h


class OwnLstmCell(nn.Module):
    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.hidden = hidden
        self.weight_ih = nn.Parameter(torch.randn(4 * hidden, inputs) * 0.3)
        self.weight_hh = nn.Parameter(torch.randn(4 * hidden, hidden) * 0.3)
        self.bias = nn.Parameter(torch.randn(4 * hidden) * 0.1)

    def forward(self, x: Tensor, state: Tuple[Tensor, Tensor]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        hx, cx = state
        gates = torch.mm(x, self.weight_ih.t()) + torch.mm(hx, self.weight_hh.t()) + self.bias
        i, f, g, o = gates.chunk(4, 1)
        cy = torch.sigmoid(f) * cx + torch.sigmoid(i) * torch.tanh(g)
        hy = torch.sigmoid(o) * torch.tanh(cy)
        return hy, (hy, cy)


@module(C(T(6, 2, 4), Tup(T(2, 3, seed=1), T(2, 3, seed=2))),
        C(T(1, 2, 4), Tup(T(2, 3, seed=1), T(2, 3, seed=2))), tags=("sequence", "loop"))
class OwnLstmLayer(nn.Module):
    """A hand written LSTM: a loop over unbound time steps and a list of outputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.cell = OwnLstmCell(4, 3)

    def forward(self, x: Tensor, state: Tuple[Tensor, Tensor]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        outputs: List[Tensor] = []
        for step in x.unbind(0):
            out, state = self.cell(step, state)
            outputs += [out]
        return torch.stack(outputs), state


@module(C("hello ", 5), C("a", 3), E("", 3), C("hello ", 4, method="argmax_text"), tags=("sequence", "loop", "strings"))
class CharLstm(nn.Module):
    """Reads text character by character and writes on, greedily."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.alphabet: str = "abcdefghijklmnopqrstuvwxyz .,"
        self.embed = nn.Embedding(29, 8)
        self.cell = nn.LSTMCell(8, 16)
        self.head = nn.Linear(16, 29)

    def encode(self, text: str) -> List[int]:
        out: List[int] = []
        for char in text:
            index = self.alphabet.find(char)
            out.append(index if index >= 0 else 26)
        return out

    def run(self, text: str, count: int) -> Tuple[List[int], Tensor]:
        if len(text) == 0:
            raise ValueError("the prompt is empty")
        h, c = torch.zeros(1, 16), torch.zeros(1, 16)
        for index in self.encode(text):
            h, c = self.cell(self.embed(torch.tensor([index])), (h, c))
        logits = self.head(h)
        written: List[int] = []
        while len(written) < count:
            best = int(logits.argmax(1).item())
            written.append(best)
            h, c = self.cell(self.embed(torch.tensor([best])), (h, c))
            logits = self.head(h)
        return written, logits

    def forward(self, text: str, count: int) -> Tuple[List[int], Tensor]:
        return self.run(text, count)

    @torch.jit.export
    def argmax_text(self, text: str, count: int) -> str:
        out = ""
        for index in self.run(text, count)[0]:
            out += self.alphabet[index]
        return out


@module(C(randint(0, 20, 7, seed=3), 6), C(randint(0, 20, 1, seed=4), 0), tags=("sequence", "loop"))
class CharGru(nn.Module):
    """Stops at data-dependent time; beam of one, temperature by kwargs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.embed = nn.Embedding(20, 6)
        self.rnn = nn.GRU(6, 10, num_layers=2)
        self.head = nn.Linear(10, 20)

    def forward(self, prompt: Tensor, limit: int, temperature: float = 1.0, hidden: Optional[Tensor] = None):
        state = hidden if hidden is not None else torch.zeros(2, 1, 10)
        out, state = self.rnn(self.embed(prompt).unsqueeze(1), state)
        token = self.head(out[-1]).div(temperature).argmax(-1)
        tokens = [token]
        count = 0
        while count < limit and int(token) != 0:
            out, state = self.rnn(self.embed(token).unsqueeze(1), state)
            token = self.head(out[-1]).div(temperature).argmax(-1)
            tokens.append(token)
            count += 1
        return torch.cat(tokens), state, count


@module(C(randint(0, 30, 6, 2, seed=1), randint(0, 20, 4, 2, seed=2)), tags=("sequence", "loop"))
class Seq2Seq(nn.Module):
    """Encoder, decoder with attention over the encoder's outputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.source = nn.Embedding(30, 8)
        self.target = nn.Embedding(20, 8)
        self.encoder = nn.GRU(8, 8, bidirectional=True)
        self.bridge = nn.Linear(16, 8)
        self.decoder = nn.GRUCell(24, 8)
        self.query = nn.Linear(8, 16)
        self.head = nn.Linear(8, 20)

    def forward(self, source: Tensor, target: Tensor) -> Tuple[Tensor, List[Tensor]]:
        memory, last = self.encoder(self.source(source))
        h = torch.tanh(self.bridge(torch.cat([last[0], last[1]], dim=1)))
        logits: List[Tensor] = []
        weights: List[Tensor] = []
        for t in range(target.size(0)):
            scores = torch.einsum("sbd,bd->bs", memory, self.query(h))
            attention = F.softmax(scores, dim=-1)
            context = torch.bmm(attention.unsqueeze(1), memory.transpose(0, 1)).squeeze(1)
            h = self.decoder(torch.cat((self.target(target[t]), context), 1), h)
            logits.append(self.head(h))
            weights.append(attention)
        return torch.stack(logits), weights


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(0.1)

    def split(self, x: Tensor) -> Tensor:
        shape = list(x.size()[:-1]) + [self.heads, x.size(-1) // self.heads]
        return x.view(shape).permute(0, 2, 1, 3)

    def forward(self, x: Tensor, mask: Tensor, keep: bool = False) -> Tuple[Tensor, Optional[Tensor]]:
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / float(q.size(-1)) ** 0.5 + mask
        weights = self.dropout(nn.functional.softmax(scores, dim=-1))
        context = torch.matmul(weights, v).permute(0, 2, 1, 3).contiguous()
        context = context.view(list(context.size()[:-2]) + [x.size(-1)])
        out = self.norm(self.dropout(self.dense(context)) + x)
        return out, weights if keep else None


class BertLayer(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention = Attention(width, heads)
        self.up = nn.Linear(width, width * 4)
        self.down = nn.Linear(width * 4, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor, keep: bool = False) -> Tuple[Tensor, Optional[Tensor]]:
        x, weights = self.attention(x, mask, keep)
        return self.norm(self.down(F.gelu(self.up(x))) + x), weights


class Bert(nn.Module):
    """An encoder in the manner of BERT, with every optional input that such models have."""

    def __init__(self, vocabulary: int = 100, width: int = 32, layers: int = 3, heads: int = 4):
        super().__init__()
        torch.manual_seed(5)
        self.words = nn.Embedding(vocabulary, width, padding_idx=0)
        self.positions = nn.Embedding(64, width)
        self.types = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList([BertLayer(width, heads) for _ in range(layers)])
        self.pooler = nn.Linear(width, width)
        self.register_buffer("position_ids", torch.arange(64).unsqueeze(0))

    def forward(self, input_ids: Tensor, attention_mask: Optional[Tensor] = None,
                token_type_ids: Optional[Tensor] = None, output_attentions: bool = False):
        length = input_ids.size(1)
        if length > 64:
            raise ValueError(f"a sequence of {length} tokens is longer than 64")
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if token_type_ids is None:
            token_type_ids = torch.zeros(input_ids.size(), dtype=torch.long, device=input_ids.device)
        mask = (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -10000.0
        x = self.words(input_ids) + self.positions(self.position_ids[:, :length]) + self.types(token_type_ids)
        x = self.norm(x)
        attentions: List[Tensor] = []
        states = [x]
        for layer in self.layers:
            x, weights = layer(x, mask, output_attentions)
            states.append(x)
            if weights is not None:
                attentions.append(weights)
        return x, torch.tanh(self.pooler(x[:, 0])), states, attentions


_ids = randint(1, 100, 2, 9, seed=8)
_calls = [
    C(_ids),
    C(_ids, data([[1] * 9, [1] * 5 + [0] * 4], dtype="int64")),
    C(_ids, kwargs={"token_type_ids": randint(0, 2, 2, 9, seed=9), "output_attentions": True}),
    E(randint(1, 100, 1, 65)),
    E(T(2, 3)),
]
module(*_calls, name="bert_scripted", tags=("sequence", "optional"), **WIDE)(Bert)


@traced(C(randint(1, 100, 2, 9, seed=8), data([[1] * 9, [1] * 5 + [0] * 4], dtype="int64")), tags=("sequence",), **WIDE)
def bert_traced():
    made = Bert().eval()

    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = made

        def forward(self, ids, mask):
            x, pooled, states, _ = self.bert(ids, mask)
            return x, pooled, states[1]

    return Plain(), (torch.randint(1, 100, (2, 9)), torch.ones(2, 9, dtype=torch.int64))


def transformer(name, make, *calls, **options):
    def build():
        torch.manual_seed(0)
        return torch.jit.script(make().eval())

    registry.add(registry.Program(name, build, list(calls), tags=("sequence", "attention"), **WIDE, **options))


_mask = data([[False, False, True, True, True], [False, False, False, False, True]], dtype="bool")
transformer("transformer_encoder", lambda: nn.TransformerEncoder(
    nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False),
    C(T(2, 5, 8)), C(T(2, 5, 8), None, _mask))
transformer("transformer_encoder_norm_first", lambda: nn.TransformerEncoder(
    nn.TransformerEncoderLayer(8, 2, 16, norm_first=True, activation="gelu"), 2, norm=nn.LayerNorm(8),
    enable_nested_tensor=False),
    C(T(5, 2, 8)), C(T(5, 2, 8), before="train"))
transformer("transformer_encoder_layer", lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0),
            C(T(5, 2, 8)), C(T(5, 2, 8), T(5, 5, seed=1), data([[False] * 5, [False] * 4 + [True]], dtype="bool")))
transformer("transformer_decoder", lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2),
            C(T(4, 2, 8), T(5, 2, 8, seed=1)), C(T(4, 2, 8), T(5, 2, 8, seed=1), T(4, 4, seed=2)))
transformer("transformer_full", lambda: nn.Transformer(8, 2, 2, 2, 16, batch_first=True),
            C(T(2, 5, 8), T(2, 4, 8, seed=1)), E(T(2, 5, 8), T(3, 4, 8)))
transformer("multihead_attention", lambda: nn.MultiheadAttention(8, 2),
            C(T(4, 2, 8), T(5, 2, 8, seed=1), T(5, 2, 8, seed=2)),
            C(T(4, 2, 8), T(5, 2, 8, seed=1), T(5, 2, 8, seed=2), None, False),
            C(T(4, 2, 8), arg(0), arg(0), kwargs={"average_attn_weights": False}),
            C(T(4, 8), T(5, 8, seed=1), T(5, 8, seed=2)),
            E(T(4, 2, 8), T(5, 2, 8), T(6, 2, 8)))
transformer("multihead_attention_other_widths", lambda: nn.MultiheadAttention(
    8, 2, kdim=6, vdim=4, add_bias_kv=True, add_zero_attn=True, batch_first=True),
    C(T(2, 4, 8), T(2, 5, 6, seed=1), T(2, 5, 4, seed=2)))


@traced(C(T(5, 2, 8)), tags=("sequence", "attention"), **WIDE)
def transformer_encoder_traced():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval(), torch.randn(5, 2, 8)


@traced(C(T(5, 2, 4)), tags=("sequence",))
def lstm_traced():
    torch.manual_seed(0)
    return nn.LSTM(4, 3, num_layers=2, bidirectional=True).eval(), torch.randn(5, 2, 4)


@traced(C(T(5, 2, 4), T(1, 2, 3, seed=1)), tags=("sequence",))
def gru_traced():
    torch.manual_seed(0)
    return nn.GRU(4, 3).eval(), (torch.randn(5, 2, 4), torch.zeros(1, 2, 3))


@module(C(T(2, 4, 6, 8), T(2, 4, 5, 8, seed=1), T(2, 4, 5, 8, seed=2)),
        C(T(2, 4, 6, 8), T(2, 4, 6, 8, seed=1), T(2, 4, 6, 8, seed=2), kwargs={"causal": True}), tags=("attention",))
class DotProductAttention(nn.Module):
    def forward(self, q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


class Gpt(nn.Module):
    """A decoder-only transformer, its output weights tied to the embedding's; keeps keys and values between calls."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(6)
        self.embed = nn.Embedding(40, 16)
        self.position = nn.Parameter(torch.randn(32, 16) * 0.1)
        self.norm = nn.LayerNorm(16)
        self.qkv = nn.Linear(16, 48, bias=False)
        self.out = nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(approximate="tanh"), nn.Linear(32, 16))
        self.head = nn.Linear(16, 40, bias=False)
        self.head.weight = self.embed.weight

    def attend(self, x: Tensor, past: Optional[Tuple[Tensor, Tensor]]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        b, t, width = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, 2, width // 2).permute(2, 0, 3, 1, 4).unbind(0)
        if past is not None:
            k = torch.cat([past[0], k], dim=2)
            v = torch.cat([past[1], v], dim=2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=past is None)
        return self.out(y.transpose(1, 2).reshape(b, t, width)), (k, v)

    def forward(self, ids: Tensor, past: Optional[Tuple[Tensor, Tensor]] = None):
        start = 0 if past is None else past[0].size(2)
        x = self.embed(ids) + self.position[start:start + ids.size(1)]
        y, cache = self.attend(self.norm(x), past)
        x = x + y
        x = x + self.mlp(x)
        return self.head(x), cache

    @torch.jit.export
    def generate(self, ids: Tensor, count: int) -> Tensor:
        logits, cache = self.forward(ids, None)
        for _ in range(count):
            token = logits[:, -1].argmax(-1, keepdim=True)
            ids = torch.cat((ids, token), 1)
            logits, cache = self.forward(token, cache)
        return ids


module(C(randint(0, 40, 2, 5, seed=1)), C(randint(0, 40, 2, 1, seed=2), result(0, 1)), C(randint(0, 40, 1, 3), 6, method="generate"),
       name="gpt_with_cache", tags=("sequence", "tied", "optional"), **WIDE)(Gpt)


@module(C(T(3, 4)), C(T(2, 4, seed=1)), C(method="reset"), C(T(3, 4, seed=2)), E(T(9, 4)), C(T(3, 4, seed=2)),
        tags=("sequence", "state"))
class StatefulGru(nn.Module):
    """Keeps its state itself, as a streaming model does; an error leaves it as it was."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.cell = nn.GRUCell(4, 5)
        self.state = torch.zeros(0)
        self.steps = 0

    @torch.jit.export
    def reset(self) -> int:
        done = self.steps
        self.state = torch.zeros(0)
        self.steps = 0
        return done

    def forward(self, x: Tensor) -> Tensor:
        if not self.state.numel():
            self.state = torch.zeros(x.size(0), 5)
        n = min(x.size(0), self.state.size(0))
        self.steps += 1
        self.state = self.cell(x, self.state[:n])
        return self.state

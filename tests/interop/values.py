"""The values that Python and Vesta exchange: a name each, made the same every time.

Every value is something that people put into checkpoints; `make()` gives them in the order of their names' lines.
"""
import collections
import enum

import numpy as np
import torch

Point = collections.namedtuple("Point", ["x", "y"])


class Color(enum.Enum):
    RED = 1


class Config:
    """A class of the user's own: an object of it is inert in C++."""

    def __init__(self):
        self.rate = 0.1
        self.weight = torch.arange(3.0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.register_buffer("scratch", torch.ones(2), persistent=False)
        self.register_buffer("table", torch.arange(5))

    def forward(self, x):
        return self.norm(self.conv(x))


DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
          torch.uint8, torch.bool, torch.complex64, torch.complex128, torch.complex32, torch.uint16, torch.uint32,
          torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
          torch.float8_e8m0fnu]


def random_tensor(dtype, shape=(3, 5), seed=0):
    generator = torch.Generator().manual_seed(seed)
    if dtype == torch.bool:
        return torch.rand(shape, generator=generator) > 0.5
    if dtype.is_complex:
        return torch.complex(torch.randn(shape, generator=generator, dtype=torch.float64),
                             torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype)
    if dtype.is_floating_point:
        return (torch.rand(shape, generator=generator) * 4 + 0.25).to(dtype)
    high = 100 if dtype != torch.uint64 else 2 ** 40
    return torch.randint(0, high, shape, generator=generator).to(dtype)


def trained(optimizer_class, **options):
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    optimizer = optimizer_class(model.parameters(), **options)
    for _ in range(3):
        def closure():
            optimizer.zero_grad()
            loss = model(torch.ones(2, 4)).square().mean()
            loss.backward()
            return loss
        optimizer.step(closure)
    return model, optimizer


def make():
    values = {}
    for dtype in DTYPES:
        name = str(dtype).removeprefix("torch.")
        values[f"tensor_{name}"] = random_tensor(dtype)
        values[f"empty_{name}"] = torch.empty((0, 4), dtype=dtype)
        values[f"scalar_{name}"] = random_tensor(dtype, ())
    base = torch.arange(24.0).view(2, 3, 4)
    values["view_slice"] = base[:, 1]
    values["view_transposed"] = base.transpose(0, 2)
    values["view_permuted"] = base.permute(2, 0, 1)
    values["view_strided"] = base[:, ::2, 1::2]
    values["view_expanded"] = torch.arange(3.0).expand(4, 3)
    values["view_diagonal"] = torch.arange(16.0).view(4, 4).diagonal()
    values["view_small_of_large"] = torch.arange(1000.0)[10:14]
    values["view_as_real"] = torch.view_as_real(random_tensor(torch.complex64))
    values["channels_last"] = torch.randn(1, 3, 4, 5, generator=torch.Generator().manual_seed(1)).contiguous(
        memory_format=torch.channels_last)
    values["conjugate"] = random_tensor(torch.complex64).conj()
    values["negative"] = random_tensor(torch.complex64).conj().imag
    values["requires_grad"] = torch.ones(3, requires_grad=True)
    values["parameter"] = torch.nn.Parameter(torch.arange(4.0))
    values["parameter_frozen"] = torch.nn.Parameter(torch.arange(4.0), requires_grad=False)
    values["parameter_int"] = torch.nn.Parameter(torch.arange(4), requires_grad=False)
    with_state = torch.nn.Parameter(torch.arange(4.0))
    with_state.tag = "mine"
    values["parameter_with_attribute"] = with_state
    attributed = torch.arange(4.0)
    attributed.note = 7
    values["tensor_with_attribute"] = attributed
    values["many_dimensions"] = torch.arange(64.0).view(2, 2, 2, 2, 2, 2)
    values["special_floats"] = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-45])
    values["meta"] = torch.empty(3, 4, device="meta")
    for dtype in (torch.quint8, torch.qint8, torch.qint32):
        name = str(dtype).removeprefix("torch.")
        values[f"quantized_{name}"] = torch.quantize_per_tensor(torch.linspace(-1, 1, 12).view(3, 4), 0.1, 3, dtype)
    channels = torch.quantize_per_channel(torch.linspace(-1, 1, 12).view(3, 4),
                                          torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64),
                                          torch.tensor([0, 1, 2]), 0, torch.qint8)
    values["quantized_per_channel"] = channels
    values["quantized_per_channel_float"] = torch.quantize_per_channel(
        torch.linspace(-1, 1, 12).view(3, 4), torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.0, 0.5, 1.0]), 0,
        torch.quint8)
    # Two and four elements in a byte; an odd count in each row.
    for dtype in (torch.quint4x2, torch.quint2x4):
        values[f"quantized_{str(dtype).removeprefix('torch.')}"] = torch.quantize_per_channel(
            torch.linspace(-1, 1, 15).view(3, 5), torch.tensor([0.1, 0.2, 0.3]), torch.tensor([3.0, 2.5, 1.0]), 0, dtype)
    dense = torch.tensor([[0, 1.0, 0, 2], [0, 0, 0, 0], [3, 0, 0, 4], [0, 0, 5, 0]])
    values["sparse_coo"] = dense.to_sparse()
    values["sparse_coo_uncoalesced"] = torch.sparse_coo_tensor(torch.tensor([[0, 0, 1], [1, 1, 2]]),
                                                               torch.tensor([1.0, 2.0, 3.0]), (3, 4))
    values["sparse_coo_hybrid"] = torch.sparse_coo_tensor(torch.tensor([[0, 2]]), torch.ones(2, 3), (4, 3))
    values["sparse_coo_empty"] = torch.sparse_coo_tensor(torch.empty(2, 0, dtype=torch.int64), torch.empty(0), (3, 4))
    values["sparse_csr"] = dense.to_sparse_csr()
    values["sparse_csr_int32"] = torch.sparse_csr_tensor(torch.tensor([0, 1, 2], dtype=torch.int32),
                                                         torch.tensor([1, 0], dtype=torch.int32),
                                                         torch.tensor([1.0, 2.0]), (2, 2))
    values["sparse_csc"] = dense.to_sparse_csc()
    values["sparse_bsr"] = dense.to_sparse_bsr((2, 2))
    values["sparse_bsc"] = dense.to_sparse_bsc((2, 2))
    batch = torch.stack([torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0])), torch.eye(4).roll(1, 0)])
    values["sparse_csr_batch"] = batch.to_sparse_csr()
    values["sparse_csc_batch"] = torch.stack([batch, 2 * batch, 3 * batch]).to_sparse_csc()
    values["sparse_bsr_batch"] = torch.stack([torch.eye(2), torch.eye(2)]).repeat_interleave(
        2, 1).repeat_interleave(3, 2).to_sparse_bsr((2, 3))
    values["sparse_csr_hybrid"] = torch.rand(4, 3, 2, generator=torch.Generator().manual_seed(1)).to_sparse_csr(dense_dim=1)
    values["sparse_bsc_batch_hybrid"] = torch.rand(
        2, 4, 6, 3, generator=torch.Generator().manual_seed(2)).to_sparse_bsc((2, 3), dense_dim=1)
    rows = [torch.arange(6.0).view(2, 3), torch.arange(12.0).view(4, 3), torch.empty(0, 3)]
    values["nested"] = torch.nested.nested_tensor(rows)
    values["nested_jagged"] = torch.nested.nested_tensor(rows, layout=torch.jagged)
    shared = torch.arange(6.0)
    values["shared_twice"] = [shared, shared]
    values["shared_views"] = {"whole": shared, "part": shared[2:4], "matrix": shared.view(2, 3)}
    values["shared_as_other_dtype"] = torch.zeros(4).view(torch.int32)
    values["none"] = None
    values["true"] = True
    values["false"] = False
    for number in (0, 1, -1, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, -2 ** 31, -2 ** 31 - 1, 2 ** 63 - 1, -2 ** 63,
                   2 ** 63, -2 ** 63 - 1, 2 ** 64, 10 ** 40, -10 ** 40, 2 ** 1000):
        values[f"int_{str(number)[:24]}"] = number
    for number in (0.0, -0.0, 1.5, 1e308, 5e-324, float("inf"), -float("inf"), 0.1):
        values[f"float_{number}"] = number
    values["float_nan"] = float("nan")
    values["complex"] = complex(1.5, -2.5)
    values["text"] = "text"
    values["text_empty"] = ""
    values["text_unicode"] = "Grüße, 世界 🌍"
    values["text_long"] = "x" * 70000
    values["text_lines"] = "a\nb\tc\0d"
    values["bytes"] = b"\x00\x7f\x80\xff"
    values["bytes_empty"] = b""
    values["bytearray"] = bytearray(b"ab\xff")
    values["list_empty"] = []
    values["list"] = [1, 2.0, "three", None, True]
    values["list_long"] = list(range(3000))
    values["list_nested"] = [[1, [2, [3, [4]]]], []]
    values["tuple_empty"] = ()
    values["tuple_1"] = (1,)
    values["tuple_2"] = (1, 2)
    values["tuple_3"] = (1, 2, 3)
    values["tuple_5"] = (1, 2, 3, 4, 5)
    values["dict_empty"] = {}
    values["dict"] = {"a": 1, "b": [2], "c": {"d": 3}}
    values["dict_int_keys"] = {0: "zero", 1: "one", -5: "minus five"}
    values["dict_mixed_keys"] = {1: "int", "1": "str", (1, 2): "tuple", None: "none", 2.5: "float", b"k": "bytes"}
    values["dict_large"] = {f"key{i}": i for i in range(2500)}
    values["ordered_dict"] = collections.OrderedDict([("z", 1), ("a", 2)])
    values["default_dict"] = collections.defaultdict(list, {"a": [1]})
    values["counter"] = collections.Counter("abracadabra")
    values["set"] = {1, 2, 3}
    values["set_empty"] = set()
    values["frozen_set"] = frozenset(["x"])
    values["named_tuple"] = Point(1, torch.ones(2))
    values["enum"] = Color.RED
    values["size"] = torch.Size([2, 3])
    values["dtype"] = torch.bfloat16
    values["dtypes"] = list(DTYPES)
    values["device_cpu"] = torch.device("cpu")
    values["device_cuda"] = torch.device("cuda", 1)
    values["layouts"] = [torch.strided, torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr]
    values["return_type"] = torch.max(torch.arange(6.0).view(2, 3), dim=1)
    values["storage_typed"] = torch.arange(4.0).storage()
    values["storage_untyped"] = torch.arange(4.0).untyped_storage()
    for code in ("f4", "f8", "f2", "i8", "i4", "i2", "i1", "u1", "u2", "u4", "u8", "b1", "c8", "c16"):
        values[f"numpy_{code}"] = np.arange(6).reshape(2, 3).astype(code)
    values["numpy_big_endian"] = np.arange(4, dtype=">i4")
    values["numpy_fortran"] = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    values["numpy_empty"] = np.empty((0, 3))
    values["numpy_scalar_array"] = np.array(3.5)
    values["numpy_strings"] = np.array(["ab", "cde"])
    values["numpy_objects"] = np.array([1, "two", None], dtype=object)
    values["numpy_float64"] = np.float64(2.5)
    values["numpy_float32"] = np.float32(2.5)
    values["numpy_int64"] = np.int64(-7)
    values["numpy_bool"] = np.bool_(True)
    values["numpy_dtype"] = np.dtype("<f4")
    values["object"] = Config()
    torch.manual_seed(0)
    net = Net()
    values["state_dict"] = net.state_dict()
    values["module"] = net
    for optimizer_class, options in ((torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}), (torch.optim.Adam, {"lr": 1e-3}),
                                     (torch.optim.AdamW, {"lr": 1e-3, "amsgrad": True}),
                                     (torch.optim.RMSprop, {"lr": 1e-2, "momentum": 0.5, "centered": True}),
                                     (torch.optim.Adagrad, {"lr": 1e-2}), (torch.optim.LBFGS, {"lr": 0.5})):
        model, optimizer = trained(optimizer_class, **options)
        values[f"optimizer_{optimizer_class.__name__}"] = optimizer.state_dict()
    model, optimizer = trained(torch.optim.Adam, lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    values["checkpoint"] = {"epoch": 12, "model_state_dict": model.state_dict(),
                            "optimizer_state_dict": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
                            "loss": 0.25, "best_acc": np.float64(0.75), "rng": torch.get_rng_state()[:16].clone()}
    values["data_parallel"] = {"module." + name: value for name, value in net.state_dict().items()}
    return values

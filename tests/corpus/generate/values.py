"""The values that a call's inputs are described by (README.md, "Values").

Two halves: small constructors that programs use to describe inputs (T, L, D, ...), and `build`, which makes the
described value in Python, so that the generator can run each program before it is recorded. The C++ harness has a
`build` of its own which follows the same rules, to the bit.
"""

import torch

DTYPES = {
    name: getattr(torch, name)
    for name in (
        "float16 bfloat16 float32 float64 complex64 complex128 "
        "uint8 int8 int16 int32 int64 bool quint8 qint8 qint32"
    ).split()
}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def T(*shape, init="normal", dtype="float32", **more):
    """A tensor of `shape`; see README.md for the fields of `more`."""
    return {"tensor": {"shape": list(shape), "dtype": dtype, "init": init, **more}}


def data(values, dtype="float32", **more):
    """A tensor that holds exactly `values` (nested lists); "inf", "-inf" and "nan" are floats."""
    shape, flat = [], [values]
    while isinstance(flat[0], list):
        shape.append(len(flat[0]))
        flat = [item for row in flat for item in row]
    return T(*shape, init="data", dtype=dtype, data=flat, **more)


def ints(*values, dtype="int64"):
    return data(list(values), dtype=dtype)


def randint(low, high, *shape, dtype="int64", **more):
    return T(*shape, init="randint", dtype=dtype, low=low, high=high, **more)


def L(element_type, *values):
    return {"list": list(values), "type": f"List[{element_type}]"}


def D(key_type, value_type, *items):
    return {"dict": [list(item) for item in items], "type": f"Dict[{key_type}, {value_type}]"}


def Tup(*values):
    return {"tuple": list(values)}


def device(name):
    return {"device": name}


def dtype(name):
    return {"dtype": name}


def cplx(real, imag):
    return {"complex": [real, imag]}


def result(call, *path):
    """What an earlier call returned, or a part of it."""
    return {"result": [call, *path]}


def arg(index):
    """The very same object as this call's positional argument `index`."""
    return {"arg": index}


def C(*inputs, method="forward", expect="ok", **more):
    """One call: `more` may hold kwargs, before ("train" or "eval")."""
    return {"method": method, "inputs": list(inputs), "expect": expect, **more}


def E(*inputs, method="forward", **more):
    """A call that must raise."""
    return C(*inputs, method=method, expect="error", **more)


def _base_tensor(spec):
    shape, dtype = spec["shape"], DTYPES[spec["dtype"]]
    init = spec["init"]
    generator = torch.Generator().manual_seed(spec.get("seed", 0))
    if init == "normal":
        drawn = dtype if dtype.is_complex or dtype is torch.float64 else torch.float32
        values = torch.randn(shape, dtype=drawn, generator=generator)
        return (values * spec.get("std", 1.0) + spec.get("mean", 0.0)).to(dtype)
    if init == "uniform":
        drawn = torch.float64 if dtype is torch.float64 else torch.float32
        low, high = spec.get("low", 0.0), spec.get("high", 1.0)
        values = torch.rand(shape, dtype=drawn, generator=generator)
        return (values * (high - low) + low).to(dtype)
    if init == "randint":
        values = torch.randint(spec["low"], spec["high"], shape, dtype=torch.int64, generator=generator)
        return values.to(dtype)
    if init == "arange":
        count = 1
        for size in shape:
            count *= size
        values = torch.arange(count, dtype=torch.float64) * spec.get("step", 1) + spec.get("start", 0)
        return values.to(dtype).reshape(shape)
    if init == "zeros":
        return torch.zeros(shape, dtype=dtype)
    if init == "ones":
        return torch.ones(shape, dtype=dtype)
    if init == "full":
        return torch.full(shape, spec["value"], dtype=dtype)
    if init == "data":
        values = [float(v) if isinstance(v, str) else v for v in spec["data"]]
        return torch.tensor(values, dtype=dtype).reshape(shape)
    raise ValueError(f"unknown init '{init}'")


def build_tensor(spec):
    tensor = _base_tensor(spec)
    if "permute" in spec:
        tensor = tensor.permute(spec["permute"])
    if "narrow" in spec:
        tensor = tensor.narrow(*spec["narrow"])
    if spec.get("channels_last"):
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    if "expand" in spec:
        tensor = tensor.expand(spec["expand"])
    if "quantize" in spec:
        how = spec["quantize"]
        tensor = torch.quantize_per_tensor(tensor, how["scale"], how["zero_point"], DTYPES[how["dtype"]])
    if spec.get("sparse"):
        tensor = tensor.to_sparse()
    if spec.get("requires_grad"):
        tensor = tensor.detach().requires_grad_()
    return tensor


def build(value, args=(), results=()):
    """Makes the described value. `args`: this call's earlier arguments; `results`: those of earlier calls."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    (kind, body), *rest = value.items()
    if kind == "tensor":
        return build_tensor(body)
    if kind == "list":
        return [build(v, args, results) for v in body]
    if kind == "tuple":
        return tuple(build(v, args, results) for v in body)
    if kind == "dict":
        return {build(k, args, results): build(v, args, results) for k, v in body}
    if kind == "device":
        return torch.device(body)
    if kind == "dtype":
        return DTYPES[body]
    if kind == "complex":
        return complex(*body)
    if kind == "float":
        return float(body)
    if kind == "arg":
        return args[body]
    if kind == "result":
        part = results[body[0]]
        for step in body[1:]:
            part = part[step]
        return part
    raise ValueError(f"unknown kind of value '{kind}'")

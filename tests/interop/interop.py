#!/usr/bin/env python3
"""What Python writes is read by Vesta, and what Vesta writes by Python: ./dev interop.

usage: interop.py VESTA [--fixtures FOLDER] [--only REGEX]

For each value of values.py:
  read    torch.save, in the zip form and as the stream of before 1.6; `vesta inspect --json` must tell what Python holds:
          every path, class, number and text, every tensor's dtype, shape, strides, offset and values (by checksum)
  write   `vesta convert` writes the file anew; torch.load(weights_only=True) of the result must equal the original.
          Values of classes that weights_only does not know are allowed by name (safe_globals); those that it can never
          read (whole modules, objects) are loaded without it.
  copies  the file written twice has the same bytes
--fixtures FOLDER writes the files of the ordinary tests: all values in few files, with what Python holds as JSON.
"""
import argparse
import collections
import concurrent.futures
import enum
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings
import zlib

import numpy as np
import torch

import values as interop_values

warnings.filterwarnings("ignore")
# weights_only never reads these, whoever wrote them.
UNSAFE = {"default_dict", "object", "module", "enum", "named_tuple", "storage_typed", "storage_untyped"}
# Not in the stream of before 1.6: those dtypes came later.
NO_STREAM = re.compile(r"float8|uint16|uint32|uint64|complex32|^dtypes$")


def numpy_globals():
    classes = [np.ndarray, np.dtype, collections.defaultdict, frozenset]
    classes += [type(np.dtype(code)) for code in ("f4 f8 f2 i8 i4 i2 i1 u1 u2 u4 u8 b1 c8 c16 S1 U1 O".split())]
    named = [(np._core.multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),
             (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"), (list, "builtins.list"),
             (torch.return_types.max, "torch.return_types.max"),
             (torch._tensor._rebuild_from_type_v2, "torch._tensor._rebuild_from_type_v2")]
    return classes + named


def elements(tensor):
    """The bytes that a checksum is of."""
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.int_repr()
    tensor = tensor.resolve_conj().resolve_neg().cpu().contiguous()
    if tensor.dim() == 0:
        tensor = tensor.view(1)
    if tensor.numel() == 0:
        return b""
    return tensor.view(torch.uint8).numpy().tobytes()


def crc(data):
    return f"crc32:{zlib.crc32(data):08x}"


def class_name(value):
    kind = type(value)
    if kind in (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset):
        return kind.__name__
    if value is None:
        return "None"
    if isinstance(value, torch.nn.Parameter):
        return "torch.nn.parameter.Parameter"
    if kind is torch.Tensor:
        return "torch.Tensor"
    if kind is np.bool_:
        return "numpy.bool_"
    if kind.__module__ == "torch" and kind.__name__ in ("Size", "device", "dtype", "layout"):
        return "torch." + kind.__name__
    return f"{kind.__module__}.{kind.__qualname__}"


def plain_text(value):
    if isinstance(value, float):
        return float(value).hex() if np.isfinite(value) else str(value)
    if isinstance(value, complex):
        return f"{value.real.hex()} {value.imag.hex()}"
    return str(value)


def parse_plain(name, text):
    """JSON's text of a plain value, in plain_text's form."""
    if name == "float":
        return plain_text(float(text))
    if name == "complex":
        return plain_text(complex(text))
    if name == "torch.device":
        return text.removeprefix("device '").removesuffix("'")
    return text


def describe_part(tensor):
    part = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "strides": list(tensor.stride()),
            "offset": tensor.storage_offset()}
    part["checksum"] = None if tensor.is_meta else crc(elements(tensor))
    return part


def sparse_parts(tensor):
    if tensor.layout == torch.sparse_coo:
        return {"indices": tensor._indices(), "values": tensor._values()}
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return {"crow_indices": tensor.crow_indices(), "col_indices": tensor.col_indices(), "values": tensor.values()}
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return {"ccol_indices": tensor.ccol_indices(), "row_indices": tensor.row_indices(), "values": tensor.values()}
    return None


def nested_parts(tensor):
    if tensor.layout == torch.jagged:
        return [tensor.values(), tensor.offsets()]
    return [tensor.values(), tensor._nested_tensor_size(), tensor._nested_tensor_strides(),
            tensor._nested_tensor_storage_offsets()]


def describe(value, path, out):
    """What `vesta inspect --json` has to say: out[path] = facts."""
    below = (lambda step: f"{path}.{step}" if path else str(step))
    entry = {"class": class_name(value)}
    if isinstance(value, torch.Tensor) and value.is_nested:
        # Read as the call that makes it, with plain tensors as its arguments; a jagged one is a class of Python's.
        jagged = value.layout == torch.jagged
        out[path] = {"class": "torch._tensor._rebuild_from_type_v2" if jagged else "torch._utils._rebuild_nested_tensor"}
        for i, part in enumerate([] if jagged else nested_parts(value)):
            describe(part, below(f"<argument {i}>"), out)
        return
    if isinstance(value, torch.Tensor):
        parts = sparse_parts(value)
        if parts is None:
            entry |= describe_part(value)
        else:
            entry |= {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape),
                      "parts": {name: describe_part(part) for name, part in parts.items()}}
        entry["requires_grad"] = value.requires_grad
        entry["layout"] = str(value.layout).removeprefix("torch.")
        if value.is_quantized and value.qscheme() == torch.per_tensor_affine:
            entry["quantizer"] = {"scale": value.q_scale(), "zero_point": value.q_zero_point()}
        out[path] = entry
        for name, attribute in getattr(value, "__dict__", {}).items():
            describe(attribute, below(name), out)
        return
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        entry |= {"shape": list(array.shape)}
        out[path] = entry
        if array.dtype == object:
            for i, item in enumerate(array.reshape(-1)):
                describe(item, below(i), out)
        else:
            data = array.astype(array.dtype.newbyteorder("<")).tobytes("C")
            entry["checksum"] = crc(data)
        return
    if isinstance(value, (torch.UntypedStorage, torch.storage.TypedStorage)):
        untyped = value if isinstance(value, torch.UntypedStorage) else value._untyped_storage
        out[path] = entry | {"checksum": crc(bytes(untyped.tolist()))}
        return
    if isinstance(value, dict):
        out[path] = entry | {"count": len(value)}
        for key, item in value.items():
            if isinstance(key, (str, int, float)) or key is None:
                describe(item, below(key if not isinstance(key, float) else repr(key)), out)
            elif isinstance(key, bytes):
                describe(item, below(key.decode("latin1")), out)
        if hasattr(value, "_metadata"):
            describe(value._metadata, below("_metadata"), out)
        return
    if isinstance(value, (set, frozenset)):
        out[path] = entry | {"count": len(value)}
        return
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        out[path] = entry | {"count": len(value)}
        for i, item in enumerate(value):
            describe(item, below(i), out)
        return
    if isinstance(value, np.dtype):
        out[path] = {"class": f"numpy.dtype('{value.str}')"}
        return
    if isinstance(value, enum.Enum):
        # Read as the call that makes it, which is another one from Python to Python: Color(1) or getattr(Color, "RED").
        function, arguments = value.__reduce_ex__(2)[:2]
        name = f"{function.__module__}.{function.__qualname__}"
        out[path] = {"class": name}
        for i, argument in enumerate(arguments):
            if isinstance(argument, type):
                out[below(f"<argument {i}>")] = {"class": f"{argument.__module__}.{argument.__qualname__}"}
            else:
                describe(argument, below(f"<argument {i}>"), out)
        return
    if hasattr(value, "_fields"):
        out[path] = entry
        for i, field in enumerate(value):
            describe(field, below(f"<argument {i}>"), out)
        return
    if isinstance(value, (bytes, bytearray)):
        out[path] = entry | {"value": bytes(value).hex()}
        return
    if hasattr(value, "__dict__") and class_name(value).startswith("values."):
        out[path] = entry
        for name, field in vars(value).items():
            if name not in ("_parameters", "_buffers", "_modules") and not name.startswith(("_", "training")):
                describe(field, below(name), out)
            if name == "_parameters" or name == "_buffers":
                describe(field, below(name), out)
        return
    out[path] = entry | {"value": plain_text(value)}


def differences(expected, said):
    found = {entry["path"]: entry for kind in ("tensors", "arrays", "values") for entry in said[kind]}
    wrong = []
    for path, facts in expected.items():
        if path not in found:
            wrong.append(f"{path}: not there")
            continue
        for name, fact in facts.items():
            got = found[path].get(name)
            if name == "value" and isinstance(got, str):
                got = parse_plain(facts["class"], got)
            if name == "parts":
                got = {part: {key: entry[key] for key in fact[part]} for part, entry in (got or {}).items()}
            if got != fact:
                wrong.append(f"{path}: {name} is {fact!r} in Python, {got!r} in Vesta")
    return wrong


def equal(a, b):
    """Whether two values are the same to the last bit, and of the same classes."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.is_nested != b.is_nested or (not a.is_nested and a.shape != b.shape):
            return False
        if class_name(a) != class_name(b) or a.dtype != b.dtype or a.layout != b.layout or \
                a.requires_grad != b.requires_grad or a.device != b.device:
            return False
        if a.is_meta:
            return a.stride() == b.stride()
        if a.is_nested:
            return all(equal(x, y) for x, y in zip(nested_parts(a), nested_parts(b)))
        parts = sparse_parts(a)
        if parts is not None:
            return all(equal(part, sparse_parts(b)[name]) for name, part in parts.items())
        if a.is_quantized and a.qscheme() == torch.per_tensor_affine:
            if (a.q_scale(), a.q_zero_point()) != (b.q_scale(), b.q_zero_point()):
                return False
        elif a.is_quantized:
            if not equal(a.q_per_channel_scales(), b.q_per_channel_scales()) or \
                    not equal(a.q_per_channel_zero_points(), b.q_per_channel_zero_points()):
                return False
        return a.stride() == b.stride() and a.storage_offset() == b.storage_offset() and \
            a.is_conj() == b.is_conj() and elements(a) == elements(b) and \
            a.untyped_storage().nbytes() == b.untyped_storage().nbytes() and \
            getattr(a, "__dict__", {}) == getattr(b, "__dict__", {})
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        little = a.astype(a.dtype.newbyteorder("<"))
        return little.dtype == b.astype(b.dtype.newbyteorder("<")).dtype and a.shape == b.shape and (
            a.tolist() == b.tolist() if a.dtype == object else little.tobytes("C") == b.tobytes("C"))
    if isinstance(a, np.generic):
        return a.tobytes() == b.tobytes()
    if isinstance(a, (torch.UntypedStorage, torch.storage.TypedStorage)):
        return a.tolist() == b.tolist()
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[key], b[key]) for key in a) and \
            equal(getattr(a, "_metadata", None), getattr(b, "_metadata", None)) and \
            getattr(a, "default_factory", None) == getattr(b, "default_factory", None)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    if isinstance(a, float):
        return plain_text(a) == plain_text(b) and str(a) == str(b)
    if isinstance(a, torch.nn.Module):
        return equal(a.state_dict(), b.state_dict())
    if class_name(a).startswith("values.") and not isinstance(a, enum.Enum):
        return equal(vars(a), vars(b))
    return a == b


def sharing(value):
    """Which tensors share memory: the list of groups of paths."""
    groups = collections.defaultdict(list)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else []
    for key, item in items:
        if isinstance(item, torch.Tensor) and item.layout == torch.strided and not item.is_meta and not item.is_nested:
            groups[item.untyped_storage()._cdata].append(key)
    return sorted(map(str, groups.values()))


class Interop:
    def __init__(self, vesta, folder):
        self.vesta = vesta
        self.folder = pathlib.Path(folder)

    def run(self, *arguments):
        result = subprocess.run([self.vesta, *map(str, arguments)], capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr.strip() or f"exit {result.returncode}")
        return result.stdout

    def check_read(self, name, value, stream):
        path = self.folder / f"{name}{'.stream' if stream else ''}.pt"
        torch.save(value, path, _use_new_zipfile_serialization=not stream)
        expected = {}
        describe(value, "", expected)
        wrong = differences(expected, json.loads(self.run("inspect", "--json", path)))
        self.run("inspect", path)
        return wrong

    def check_written(self, name, value):
        source = self.folder / f"{name}.pt"
        copies = [self.folder / f"{name}.{i}.back.pt" for i in range(2)]
        for copy in copies:
            self.run("convert", source, copy)
        if copies[0].read_bytes() != copies[1].read_bytes():
            return ["writing twice gives other bytes"]
        with torch.serialization.safe_globals(numpy_globals()):
            back = torch.load(copies[0], weights_only=name not in UNSAFE)
        if name == "storage_untyped":  # torch.load gives a typed one, of Python's own file too
            value = torch.load(source, weights_only=False)
        wrong = [] if equal(value, back) else [f"what Python reads back is not what it wrote: {back!r}"[:300]]
        if sharing(value) != sharing(back):
            wrong.append("tensors do not share memory as they did")
        return wrong

    def check(self, name, value):
        steps = [("read", lambda: self.check_read(name, value, stream=False))]
        if not NO_STREAM.search(name):
            steps.append(("read the stream of before 1.6", lambda: self.check_read(name, value, stream=True)))
        steps.append(("write", lambda: self.check_written(name, value)))
        wrong = []
        for step, function in steps:
            try:
                wrong += [f"{name}: {step}: {line}" for line in function()]
            except Exception as error:  # of Vesta's process, or of torch.load
                wrong.append(f"{name}: {step}: {error}")
        return len(steps), wrong


def write_fixtures(values, folder):
    """Small files for the ordinary tests, and what Python holds of them."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    small = {name: value for name, value in values.items()
             if name not in ("text_long", "list_long", "dict_large")}
    # A stream carries the source of each module's class with its file's name: not ours to keep in a repository.
    torch.serialization.get_source_lines_and_file = lambda _: (["the source of a class\n"], 1, "model.py")
    for suffix, zip_form in (("zip", True), ("stream", False)):
        chosen = small if zip_form else {name: value for name, value in small.items() if not NO_STREAM.search(name)}
        path = folder / f"values_{suffix}.pt"
        torch.save(chosen, path, _use_new_zipfile_serialization=zip_form)
        expected = {}
        describe(chosen, "", expected)
        (folder / f"values_{suffix}.json").write_text(json.dumps(expected, indent=None, separators=(",", ":")) + "\n")
        print(f"{path}: {path.stat().st_size} bytes, {len(expected)} paths")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vesta")
    parser.add_argument("--fixtures")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    values = interop_values.make()
    if arguments.fixtures:
        return write_fixtures(values, arguments.fixtures)
    chosen = {name: value for name, value in values.items() if re.search(arguments.only, name)}
    checks = 0
    wrong = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        interop = Interop(arguments.vesta, folder)
        for count, lines in pool.map(lambda item: interop.check(*item), chosen.items()):
            checks += count
            wrong += lines
    for line in wrong:
        print(line)
    failed = {line.split(":")[0] for line in wrong}
    print(f"{len(chosen) - len(failed)} of {len(chosen)} values agree both ways ({checks} checks), torch {torch.__version__}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes a tar file as torch.save of 0.1 did, which no version that runs today can write; today's torch.load reads it.

usage: write_tar.py FOLDER      writes values_tar.pt and what torch.load makes of it, values_tar.json
"""
import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import tarfile
import warnings

import torch

import interop

warnings.filterwarnings("ignore")


class Tensor:
    """Stands for a tensor: its key, its storage's key, offset, sizes and strides."""

    def __init__(self, key, storage, offset, sizes, strides):
        self.key, self.storage, self.offset, self.sizes, self.strides = key, storage, offset, sizes, strides


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return str(value.key) if isinstance(value, Tensor) else None


def dump(value):
    out = io.BytesIO()
    Pickler(out, protocol=2).dump(value)
    return out.getvalue()


def main():
    folder = pathlib.Path(sys.argv[1])
    floats = struct.pack("<12f", *[i / 2 for i in range(12)])
    longs = struct.pack("<4q", 1, -2, 3, 1 << 40)
    storages = dump(2)
    storages += dump((100, "cpu", torch.FloatStorage)) + struct.pack("<q", 12) + floats
    storages += dump((101, "cpu", torch.LongStorage)) + struct.pack("<q", 4) + longs
    storages += dump([(102, 100, 4, 6)])  # a view: elements 4 to 9
    tensors = [Tensor(200, 100, 0, (3, 4), (4, 1)), Tensor(201, 100, 0, (4, 3), (1, 4)), Tensor(202, 101, 0, (4,), (1,)),
               Tensor(203, 102, 1, (5,), (1,))]
    described = dump(len(tensors))
    for tensor in tensors:
        kind = torch.LongTensor if tensor.storage == 101 else torch.FloatTensor
        described += dump((tensor.key, tensor.storage, kind)) + struct.pack("<ii", len(tensor.sizes), 0)
        described += struct.pack(f"<{2 * len(tensor.sizes)}q", *tensor.sizes, *tensor.strides)
        described += struct.pack("<q", tensor.offset)
    value = collections.OrderedDict([("weight", tensors[0]), ("columns", tensors[1]), ("counts", tensors[2]),
                                     ("part", tensors[3]), ("epoch", 7), ("names", ["a", "b"])])
    path = folder / "values_tar.pt"
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (("sys_info", dump({"protocol_version": 1000})), ("pickle", dump(value)),
                           ("tensors", described), ("storages", storages)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    expected = {}
    interop.describe(torch.load(path, weights_only=False), "", expected)
    # A view of a storage is a storage of its own for Python; here too.
    (folder / "values_tar.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    print(path, len(expected), "paths")


if __name__ == "__main__":
    main()

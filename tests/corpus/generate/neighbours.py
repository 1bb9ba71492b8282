"""Writes tests/corpus/neighbours: files that are met beside TorchScript archives and get an answer of their own.

    python tests/corpus/generate/neighbours.py

`neighbours.json` says what each is. All are tiny.
"""

import io
import json
import pathlib
import pickle
import struct
import tempfile
import warnings
import zipfile

import torch
import torch.nn as nn

import archive
import main as generator

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "neighbours"
LISTED = []


def listed(file, kind, note):
    LISTED.append({"file": file, "kind": kind, "note": note})
    return FOLDER / file


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        return torch.relu(self.linear(x))


def checkpoints():
    model = Tiny()
    state = model.state_dict()
    torch.save(state, listed("state_dict_zip.pt", "checkpoint", "a state dict by torch.save, zip format"))
    torch.save(state, listed("state_dict_legacy.pt", "checkpoint", "a state dict by torch.save before 1.6: pickles in a row"),
               _use_new_zipfile_serialization=False)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    training = {"epoch": 12, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "loss": 0.5, "name": "tiny"}
    torch.save(training, listed("training_checkpoint.pt", "checkpoint", "model, optimizer and numbers in one dict"))
    torch.save(torch.arange(4.0), listed("tensor.pt", "checkpoint", "a single tensor by torch.save"))
    torch.save([torch.ones(2), {"a": 1}], listed("list.pt", "checkpoint", "a list of a tensor and a dict by torch.save"))


def whole_module():
    torch.save(nn.Linear(3, 2), listed("whole_module.pt", "checkpoint of a Python object", "a pickled nn.Module: its class is Python code"))


def package():
    from torch.package import PackageExporter

    buffer = io.BytesIO()
    with PackageExporter(buffer) as exporter:
        exporter.save_source_string("tiny_model", "import torch\n\n\ndef scale(x):\n    return x * 2\n")
        exporter.extern("torch.**")
        exporter.save_pickle("model", "weights.pkl", {"w": torch.ones(2)})
    listed("package.pt", "torch.package", "a torch.package archive").write_bytes(buffer.getvalue())


def package_with_script():
    from torch.package import package_exporter

    package_exporter._gate_torchscript_serialization = False
    buffer = io.BytesIO()
    with package_exporter.PackageExporter(buffer) as exporter:
        exporter.save_pickle("model", "model.pkl", torch.jit.script(Tiny().eval()))
    listed("package_with_script.pt", "torch.package", "a torch.package archive with a ScriptModule inside (.data/ts_code)").write_bytes(buffer.getvalue())


def exported():
    program = torch.export.export(Tiny().eval(), (torch.randn(1, 3),))
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    path = listed("exported.pt2", "torch.export", "a .pt2 archive by torch.export.save")
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            payload = old.read(info)
            if info.filename.endswith(".json"):  # holds stacks, and so the paths of this machine
                for prefix in generator.prefixes():
                    payload = payload.replace(prefix.encode(), b"")
            new.writestr(zipfile.ZipInfo(info.filename, archive.ZIP_TIME), payload)


def flatbuffer():
    scripted = torch.jit.script(Tiny().eval())
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "mobile_flatbuffer.ptl"
        scripted._save_for_lite_interpreter(str(path), _use_flatbuffer=True)
        listed(path.name, "mobile flatbuffer", "written for the lite interpreter as flatbuffer").write_bytes(path.read_bytes())


def plain_zip():
    path = listed("plain.zip", "zip", "a zip with text files")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in ("readme.txt", "folder/data.csv"):
            new.writestr(zipfile.ZipInfo(name, archive.ZIP_TIME), "a,b\n1,2\n")


def empty_and_text():
    listed("empty.pt", "empty", "a file of no bytes").write_bytes(b"")
    listed("text.pt", "text", "a page of HTML, as a failed download leaves it").write_text("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n")
    listed("git_lfs_pointer.pt", "git-lfs pointer", "what git without LFS checks out").write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n")
    listed("plain_pickle.pkl", "pickle", "a Python pickle of plain values").write_bytes(pickle.dumps({"a": [1, 2.5, "x"]}, protocol=2))


def safetensors():
    values = struct.pack("<4f", 1.0, 2.0, 3.0, 4.0)
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, len(values)]}}).encode()
    header += b" " * (-len(header) % 8)
    listed("weights.safetensors", "safetensors", "one float tensor").write_bytes(struct.pack("<Q", len(header)) + header + values)


def onnx():
    """ModelProto of ir_version 8, producer_name, a graph with one node and its name; opset 17."""

    def field(number, payload):
        return bytes([number << 3 | 2, len(payload)]) + payload

    node = field(1, b"x") + field(2, b"y") + field(4, b"Relu")
    graph = field(1, node) + field(2, b"tiny")
    opset = field(1, b"") + bytes([2 << 3, 17])
    listed("model.onnx", "ONNX", "a model of one Relu").write_bytes(bytes([1 << 3, 8]) + field(2, b"pytorch") + field(7, graph) + field(8, opset))


def truncated():
    source = (generator.ARCHIVES / "stored_conv_net.pt").read_bytes()
    listed("truncated.pt", "truncated zip", "the first half of a TorchScript archive").write_bytes(source[: len(source) // 2])


def numpy_files():
    import numpy

    numpy.save(listed("array.npy", "npy", "a float array of numpy"), numpy.arange(6, dtype=numpy.float32).reshape(2, 3))
    numpy.savez(listed("arrays.npz", "npz", "a zip of numpy arrays"), a=numpy.ones(2), b=numpy.zeros((1, 2)))


def hdf5():
    listed("keras.h5", "HDF5", "the signature of an HDF5 file and no more").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(88))


def main():
    warnings.filterwarnings("ignore")
    generator.keep_paths_relative()
    FOLDER.mkdir(exist_ok=True)
    for make in (checkpoints, whole_module, package, package_with_script, exported, flatbuffer, plain_zip, empty_and_text, safetensors, onnx, truncated, numpy_files, hdf5):
        try:
            make()
        except Exception as error:  # one kind that this torch cannot write does not hold up the others
            print(f"{make.__name__}: {type(error).__name__}: {error}")
    (FOLDER / "neighbours.json").write_text(json.dumps({"schema": 1, "files": [f for f in LISTED if (FOLDER / f["file"]).exists()]}, indent=1) + "\n")
    wanted = {f["file"] for f in LISTED} | {"neighbours.json"}
    for stale in FOLDER.iterdir():
        if stale.name not in wanted:
            stale.unlink()
    for file in FOLDER.iterdir():
        for prefix in generator.prefixes():
            if prefix.encode() in file.read_bytes():
                print(f"{file.name} names {prefix}")


if __name__ == "__main__":
    main()

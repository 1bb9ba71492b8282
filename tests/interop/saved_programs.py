"""Programs that Vesta saves, in Python's torch.jit.load.

usage: saved_programs.py VESTA_SAVE_PROGRAMS CORPUS [--only TEXT]

For each archive of the corpus (large models left out): Vesta loads it and writes it anew; Python loads both and compares the
names and values of parameters, buffers and attributes, the methods, and the results of the calls that the manifest lists;
then Python saves what it loaded, Vesta reads that and writes it once more, and the calls are compared again. Exit status 1
and a line for each archive that differs.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import torch


def same(a, b):
    """Whether two values are equal, tensors to the bit (what is not a number equals itself)."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.dtype != b.dtype or a.shape != b.shape or a.is_quantized != b.is_quantized:
            return False
        if a.is_quantized:
            a, b = a.dequantize(), b.dequantize()
        if a.dtype == torch.complex32:
            a, b = a.to(torch.complex64), b.to(torch.complex64)
        return torch.equal(a, b) or torch.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, str) and isinstance(b, str):
        return re.sub("0x[0-9a-f]+", "", a) == re.sub("0x[0-9a-f]+", "", b)  # Messages may hold addresses.
    if isinstance(a, float) and a != a:
        return b != b
    if isinstance(a, torch.ScriptObject) or hasattr(a, "_c"):
        return True  # Objects of the program: what their methods give is compared.
    return type(a).__name__ == type(b).__name__ and (a == b or repr(a).split(" at 0x")[0] == repr(b).split(" at 0x")[0])


def compare_state(original, written):
    for kind in ("named_parameters", "named_buffers", "named_modules"):
        a, b = dict(getattr(original, kind)()), dict(getattr(written, kind)())
        if list(a) != list(b):
            raise AssertionError(f"{kind}: {list(a)} became {list(b)}")
        for name in a:
            if kind == "named_modules":
                if a[name].original_name != b[name].original_name:
                    raise AssertionError(f"class of '{name}': {a[name].original_name} became {b[name].original_name}")
            elif not same(a[name], b[name]) or a[name].requires_grad != b[name].requires_grad:
                raise AssertionError(f"{kind}: '{name}' differs")
    methods = original._c._method_names(), written._c._method_names()
    if methods[0] != methods[1]:
        raise AssertionError(f"methods: {methods[0]} became {methods[1]}")


def outcome(module, call, build, seed, results):
    torch.manual_seed(seed)
    args = []
    for value in call["inputs"]:
        args.append(build(value, args, results))
    kwargs = {name: build(value, args, results) for name, value in call.get("kwargs", {}).items()}
    if "before" in call:
        module.train(call["before"] == "train")
    try:
        return True, getattr(module, call["method"])(*args, **kwargs)
    except Exception as error:  # noqa: BLE001: whatever it raises, both must
        return False, str(error).strip().splitlines()[-1]


def compare_calls(entry, original, written, build):
    results = [], []
    with torch.set_grad_enabled(entry["grad"]):
        for call in entry["calls"]:
            pair = [
                outcome(module, call, build, entry["seed"], seen)
                for module, seen in zip((original, written), results)
            ]
            for seen, (_, value) in zip(results, pair):
                seen.append(value)
            if pair[0][0] != pair[1][0] or not same(pair[0][1], pair[1][1]):
                raise AssertionError(f"{call['method']}: {str(pair[0])[:300]} became {str(pair[1])[:300]}")


class Saver:
    """Vesta, in one process for all archives."""

    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def save(self, source, target):
        self.process.stdin.write(f"{source}\t{target}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer != "ok":
            raise RuntimeError(answer or f"Vesta's process ended with {self.process.wait()}")


def compare(entry, original, path, build, fill):
    """The archive at `path` beside the original one, each loaded afresh: calls may change a module."""
    original, written = torch.jit.load(str(original)), torch.jit.load(path)
    compare_state(original, written)
    if entry["fill"]:
        fill(original, entry["seed"])
        fill(written, entry["seed"])
    compare_calls(entry, original, written, build)


def check(saver, corpus, entry, folder, build, fill):
    path = corpus / entry["file"]
    saved, again, last = (os.path.join(folder, name) for name in ("saved.pt", "again.pt", "last.pt"))
    saver.save(path, saved)
    # An object whose __setstate__ does not undo its __getstate__ is another one each time, with torch's own saving too.
    drifts = entry["name"] == "holds_state"
    if drifts:
        compare_state(torch.jit.load(str(path)), torch.jit.load(saved))
    else:
        compare(entry, path, saved, build, fill)
    torch.jit.load(saved).save(again)
    saver.save(again, last)
    if not drifts:
        compare(entry, path, last, build, fill)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vesta_save_programs")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.corpus / "generate"))
    from fill import fill
    from values import build

    torch.set_num_threads(1)
    entries = json.loads((arguments.corpus / "manifest.json").read_text())["entries"]
    entries = [e for e in entries if "large" not in e["tags"] and arguments.only in e["name"]]
    saver = Saver(arguments.vesta_save_programs)
    failed = 0
    for entry in entries:
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(saver, arguments.corpus, entry, folder, build, fill)
            except Exception as error:  # noqa: BLE001: the next archive is still of interest
                failed += 1
                print(f"{entry['name']}: {type(error).__name__}: {str(error)[:600]}", flush=True)
                if saver.process.poll() is not None:
                    saver = Saver(arguments.vesta_save_programs)
    print(f"{len(entries) - failed} of {len(entries)} programs that Vesta saved do the same in Python, "
          "and after Python has saved them again")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

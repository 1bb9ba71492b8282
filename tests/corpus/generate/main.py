"""Writes tests/corpus/archives, tests/corpus/manifest.json and tests/corpus/neighbours.

    python tests/corpus/generate/main.py [--only SUBSTRING]

needs torch 2.11.0 and torchvision 0.26.0. Every program is made in a child process of its own, so that one does not
see another's compiled classes, and is run as the test will run it before it is recorded.
"""

import argparse
import importlib
import json
import os
import pathlib
import sys
import traceback
import warnings

import torch
import torchvision  # noqa: F401  registers operators, and is slow to import: once, before the forks

import archive
import fill
import registry
import values

GENERATE = pathlib.Path(__file__).resolve().parent
CORPUS = GENERATE.parent
ARCHIVES = CORPUS / "archives"
PROGRAM_FILES = [
    "vision", "sequence", "layers", "functional", "quantized", "autograd",
    "control_flow", "containers", "strings", "classes", "modules", "state", "tensors", "views",
    "dtypes", "random_ops", "errors", "traces", "archive_forms",
]


def prefixes():
    site = pathlib.Path(torch.__file__).resolve().parent.parent
    return [f"{site}/", f"{GENERATE.parent}/", f"{pathlib.Path(os.__file__).resolve().parent}/"]


def keep_paths_relative():
    """Makes the compiler record `generate/x.py` in place of the absolute path, so that verbatim archives hold none."""
    import torch._sources as sources
    import torch.jit.frontend as frontend

    original = sources.get_source_lines_and_file

    def relative(obj, error_msg=None):
        lines, line, filename = original(obj, error_msg)
        for prefix in prefixes():
            filename = filename.removeprefix(prefix) if filename else filename
        return lines, line, filename

    sources.get_source_lines_and_file = relative
    frontend.get_source_lines_and_file = relative


def flatten(value, out):
    if isinstance(value, torch.Tensor):
        out.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            flatten(item, out)
    elif isinstance(value, dict):
        for item in value.values():
            flatten(item, out)
    return out


def check_output(program, value):
    for tensor in flatten(value, []):
        if program.fill and tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise AssertionError(f"{program.name}: the filled model gives values that are not finite")


def backward(value):
    """The rule of README.md, "Gradients"."""
    loss = None
    for tensor in flatten(value, []):
        if not tensor.requires_grad:
            continue
        real = torch.view_as_real(tensor) if tensor.is_complex() else tensor
        weights = torch.linspace(0.5, 1.5, real.numel(), dtype=torch.float64).to(real.dtype).reshape(real.shape)
        loss = (real * weights).sum() if loss is None else loss + (real * weights).sum()
    if loss is None:
        raise AssertionError("nothing to differentiate")
    loss.backward()


def run_calls(program, path):
    """Loads the archive and makes its calls; adds to failing calls the text that they failed with."""
    module = torch.jit.load(str(path))
    if program.fill:
        fill.fill(module, program.seed)
    results = []
    for call in program.calls:
        if call.get("before") == "train":
            module.train()
        elif call.get("before") == "eval":
            module.eval()
        torch.manual_seed(program.seed)
        args = []
        for value in call["inputs"]:
            args.append(values.build(value, args, results))
        kwargs = {k: values.build(v, args, results) for k, v in call.get("kwargs", {}).items()}
        try:
            method = getattr(module, call["method"])
            with torch.set_grad_enabled(program.grad):
                value = method(*args, **kwargs)
                if program.grad and call["expect"] == "ok":
                    backward(value)
        except Exception as error:
            if call["expect"] != "error":
                raise
            call["error"] = {"class": type(error).__name__, "last_line": str(error).strip().splitlines()[-1]}
            results.append(None)
            continue
        if call["expect"] == "error":
            raise AssertionError(f"{program.name}.{call['method']} did not raise")
        check_output(program, value)
        results.append(value)


def make(program):
    made = program.build()
    if program.fill:
        fill.zero(made)
    suffix = ".ptl" if program.mobile else ".pt"
    path = ARCHIVES / f"{program.name}{suffix}"
    scratch = ARCHIVES / f".scratch-{program.name}" / path.name
    scratch.parent.mkdir(exist_ok=True)
    if program.mobile:
        made._save_for_lite_interpreter(str(scratch), _extra_files=program.extra_files or {})
    else:
        torch.jit.save(made, str(scratch), _extra_files=program.extra_files)
    if program.storage == "verbatim":
        path.write_bytes(scratch.read_bytes())
    else:
        # Every member's name is in the file twice: with thousands of members, the folder's name counts.
        archive.rewrite(scratch, path, prefixes(), program.drop_debug, "m" if "large" in program.tags else None)
    scratch.unlink()
    scratch.parent.rmdir()
    if archive.mentions(path, prefixes()):
        raise AssertionError(f"{program.name}: the archive names a path of this machine")
    run_calls(program, path)
    entry = {
        "name": program.name,
        "file": f"archives/{path.name}",
        "how": program.how,
        "seed": program.seed,
        "fill": program.fill,
        "grad": program.grad,
        "tags": list(program.tags),
    }
    if program.tolerance:
        entry["tolerance"] = program.tolerance
    if program.extra_files:
        entry["extra_files"] = program.extra_files
    entry["calls"] = program.calls
    return entry


def make_in_child(program):
    """Gives the manifest's entry, or None after printing what went wrong."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            text = json.dumps(make(program))
            with os.fdopen(write_end, "w") as stream:
                stream.write(text)
            sys.stdout.flush()
            os._exit(0)
        except BaseException:
            print(f"--- {program.name}", file=sys.stderr)
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end) as stream:
        text = stream.read()
    status = os.waitpid(child, 0)[1]
    if status:
        print(f"FAILED {program.name} (status {status})", file=sys.stderr)
    return json.loads(text) if status == 0 else None


def write_manifest(entries):
    """One line an entry: small, and a change of one program is a change of one line."""
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    (CORPUS / "manifest.json").write_text('{"schema": 1, "entries": [\n' + lines + "\n]}\n")


def fix_order_of_sets():
    """The compiler walks Python sets; a fixed hash seed makes archives come out equal each time."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="make only programs whose name or file holds this")
    options = parser.parse_args()
    fix_order_of_sets()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    keep_paths_relative()
    ARCHIVES.mkdir(exist_ok=True)
    origin = {}
    for file in PROGRAM_FILES:
        if not (GENERATE / f"{file}.py").exists():
            continue
        before = len(registry.PROGRAMS)
        importlib.import_module(file)
        for program in registry.PROGRAMS[before:]:
            origin[program.name] = file
    manifest = CORPUS / "manifest.json"
    known = {e["name"]: e for e in json.loads(manifest.read_text())["entries"]} if manifest.exists() else {}
    entries, failed = [], []
    for program in registry.PROGRAMS:
        if options.only and options.only not in program.name and options.only != origin[program.name]:
            if program.name in known:
                entries.append(known[program.name])
            continue
        entry = make_in_child(program)
        if entry is None:
            failed.append(program.name)
        else:
            entries.append(entry)
    write_manifest(entries)
    wanted = {pathlib.Path(entry["file"]).name for entry in entries}
    for stale in ARCHIVES.iterdir():
        if stale.is_file() and stale.name not in wanted:
            stale.unlink()
    size = sum(f.stat().st_size for f in ARCHIVES.iterdir())
    print(f"{len(entries)} archives, {sum(len(e['calls']) for e in entries)} calls, {size / 1e6:.2f} MB")
    if not options.only:
        importlib.import_module("neighbours").main()
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


if __name__ == "__main__":
    main()

"""Writes beside each file of programs what torch 2.11 prints for it: python record_programs.py ../programs/*.py

A program stands under a line "### name". Its functions `main` and `test_*` take no arguments; torch.jit.script compiles
each, and NAME.expected gets, under "### program/function", what calling `main` or printing a test's result writes;
where it raises, a last line "raises: <class>"; "refused" where Python's frontend does not compile it; "crash" where
torch itself does not survive.
"""

import importlib.util
import os
import re
import signal
import sys
import tempfile

import torch

PRELUDE = "import math\nfrom enum import Enum\nfrom typing import *\nimport torch\nfrom torch import Tensor\n"
SECONDS = 20


def call(program: str, function: str, folder: str) -> None:
    path = os.path.join(folder, "program.py")
    run = f"    {function}()\n" if function == "main" else f"    print({function}())\n"
    with open(path, "w") as file:
        file.write(f"{PRELUDE}{program}\ndef run_it():\n{run}")
    spec = importlib.util.spec_from_file_location("program", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        compiled = torch.jit.script(module.run_it)
    except Exception as refused:
        print(f"{function}: {str(refused).strip()[:160]!r}", file=sys.stderr)
        print("refused")
        return
    torch.manual_seed(7)
    try:
        compiled()
    except Exception as raised:
        found = re.search(r"builtins\.(\w+)", str(raised)) or re.search(r"^(\w+Error): ", str(raised), flags=re.M)
        sys.stdout.flush()
        print("raises: " + (found.group(1) if found else type(raised).__name__))


def isolated(program: str, function: str) -> str:
    """In a child, because torch may end the process or never end."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        signal.alarm(SECONDS)
        with tempfile.TemporaryDirectory() as folder:
            call(program, function, folder)
        sys.stdout.flush()
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        text = file.read()
    _, status = os.waitpid(child, 0)
    return text if status == 0 else "crash\n"


def main(paths) -> None:
    for path in paths:
        with open(path) as file:
            parts = re.split(r"^### (.*)\n", file.read(), flags=re.M)[1:]
        with open(os.path.splitext(path)[0] + ".expected", "w") as out:
            for header, program in zip(parts[::2], parts[1::2]):
                if ": " in header:
                    continue
                for function in re.findall(r"^def (main|test_\w+)\(\)", program, flags=re.M):
                    out.write(f"### {header}/{function}\n{isolated(program, function)}")


main(sys.argv[1:])

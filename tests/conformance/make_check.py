"""Writes the entries that check.sh runs: recorded programs of our own, one for each way in which one can end.

    python tests/conformance/make_check.py tests/conformance/entries

Needs torch 2.11. An entry's recorded output is what torch answered, but for `disagrees`, whose recording is wrong.
"""

import json
import os
import sys
from typing import List, Optional, Tuple

import torch
from torch import Tensor


def agrees(x: Tensor, names: List[str], scale: Optional[float] = None) -> Tuple[Tensor, str]:
    print("called")
    names.append("more")
    return x * 2 if scale is None else x * scale, ",".join(names)


def disagrees(x: Tensor) -> Tensor:
    return x + 1


def raises(n: int) -> int:
    if n > 0:
        raise ValueError("too large")
    return n


def should_raise(n: int) -> int:
    return n


def hangs(n: int) -> int:
    while n > 0:
        n = n + 1 if n < 5 else n - 1
    return n


def save_values(path: str, **values) -> None:
    module = torch._C.ScriptModule("io", torch._C.CompilationUnit(), True)
    for name, value in values.items():
        module._register_attribute(name, torch._C._jit_try_infer_type(value).type(), value)
    module.save(path)


def entry(folder: str, number: int, function, inputs, after, outputs, outcome="returns", stdout="") -> None:
    place = os.path.join(folder, f"{number:05d}_{function.__name__}")
    os.makedirs(place, exist_ok=True)
    torch.jit.save(torch.jit.script(function), os.path.join(place, "program.pt"))
    save_values(os.path.join(place, "io_ts.pt"), inputs=inputs, inputs_after=after, outputs=outputs, stdout=stdout)
    meta = dict(test=function.__name__, method="forward", outcome=outcome, stdout=stdout, seed=1234,
                grad_enabled=True, default_dtype="float32", mutates_inputs=after != inputs, exception=None)
    with open(os.path.join(place, "meta.json"), "w") as file:
        json.dump(meta, file, indent=1)
        file.write("\n")


def main(folder: str) -> None:
    x = torch.tensor([1.0, 2.0])
    entry(folder, 0, agrees, (x, ["a"], 3.0), (x, ["a", "more"], 3.0), (x * 3, "a,more"), stdout="called\n")
    entry(folder, 1, disagrees, (x,), (x,), x + 2)
    entry(folder, 2, raises, (1,), (1,), 0, outcome="raises")
    entry(folder, 3, should_raise, (1,), (1,), 0, outcome="raises")
    entry(folder, 4, hangs, (1,), (1,), 0)
    entry(folder, 5, agrees, (x, ["a"], 3.0), (x, ["a", "more"], 3.0), (x * 3, "a,more"), stdout="said otherwise\n")
    place = os.path.join(folder, "00006_damaged")
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "program.pt"), "wb") as file:
        file.write(b"no archive")
    load_only = os.path.join(folder, "00007_load_only")
    os.makedirs(load_only, exist_ok=True)
    torch.jit.save(torch.jit.script(raises), os.path.join(load_only, "program.pt"))


main(sys.argv[1])

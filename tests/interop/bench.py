#!/usr/bin/env python3
"""A checkpoint of 500 MB: Vesta beside torch.load, in one run, taking turns.

usage: bench.py VESTA_CHECKPOINT_TIMES [FOLDER]
"""
import gc
import json
import pathlib
import statistics
import subprocess
import sys
import time

import torch

ROUNDS = 5


def timed(function):
    gc.collect()
    start = time.perf_counter()
    value = function()
    elapsed = (time.perf_counter() - start) * 1000
    del value
    return elapsed


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "/tmp")
    path = folder / "vesta_bench_500mb.pt"
    torch.save({f"layer{i}.weight": torch.rand(1250, 1000) for i in range(100)}, path)
    try:
        torch.load(path)  # the file is in the page cache for both
        rows = {"mapped": [], "copied": []}
        ours = {"mapped": [], "copied": [], "inspected": []}
        touched = 0
        for _ in range(ROUNDS):
            rows["mapped"].append(timed(lambda: torch.load(path, mmap=True)))
            rows["copied"].append(timed(lambda: torch.load(path)))
            said = json.loads(subprocess.run([program, str(path), "3"], capture_output=True, text=True, check=True).stdout)
            for kind, times in ours.items():
                times.append(said[kind]["ms"])
            touched = said["inspected"]["kib_touched"]
        for kind in rows:
            a, b = statistics.median(ours[kind]), statistics.median(rows[kind])
            print(f"{kind}: Vesta {a:.2f} ms, torch.load {b:.2f} ms, ratio {a / b:.2f}")
        print(f"inspected: {statistics.median(ours['inspected']):.2f} ms, {touched} KiB of memory touched")
    finally:
        path.unlink()


if __name__ == "__main__":
    main()

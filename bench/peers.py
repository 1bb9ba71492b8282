"""The models of zoo.py in ONNX Runtime and OpenVINO beside torch::jit frozen, in one process, taking turns.

usage: peers.py [--threads N] [--rounds N] [NAME...]

Needs Python's torch, torchvision, onnx, onnxscript, onnxruntime, openvino. A ratio is the median, over the rounds, of a contender's
time to that of torch::jit frozen in the same round; processor time with one thread, else the wall's. What a peer cannot
convert is "fails". The ratios stand beside those of vesta_zoo_times, whose base is the same program.
"""
import argparse
import contextlib
import io
import logging
import pathlib
import statistics
import tempfile
import time
import warnings

import torch

import zoo

TURN_SECONDS = .02


def frozen(name, model, inputs, threads):
    with torch.no_grad():
        program = torch.jit.trace(model, inputs) if zoo.ZOO[name][1] == "trace" else torch.jit.script(model)
        program = torch.jit.freeze(program.eval())

    def call():
        with torch.no_grad():
            program(*inputs)
    return call


def onnxruntime(name, model, inputs, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "model.onnx")
        with torch.no_grad():
            torch.onnx.export(model, inputs, path, dynamo=True, verbose=False)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {each.name: tensor.numpy() for each, tensor in zip(session.get_inputs(), inputs)}
    return lambda: session.run(None, feeds)


def openvino(name, model, inputs, threads):
    import openvino
    with torch.no_grad():
        program = openvino.convert_model(model, example_input=inputs)
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.compile_model(program, "CPU", settings).create_infer_request()
    arrays = [tensor.numpy() for tensor in inputs]
    return lambda: request.infer(arrays, share_inputs=True)


CONTENDERS = (frozen, onnxruntime, openvino)


def measure(name, batch, threads, rounds):
    clock = time.process_time if threads == 1 else time.perf_counter
    calls = []
    for contender in CONTENDERS:
        torch.manual_seed(1)
        inputs = zoo.ZOO[name][2](batch)
        try:
            if not all(isinstance(each, torch.Tensor) for each in inputs):
                raise TypeError("arguments that are no tensors")
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                call = contender(name, zoo.make(name), inputs, threads)
            for _ in range(3):
                call()
        except Exception:  # Whatever a converter throws: the table says so.
            if contender is frozen:
                raise
            call = None
        calls.append(call)
    start = clock()
    calls[0]()
    count = max(1, int(TURN_SECONDS / max(1e-7, clock() - start)))
    times = [[] for _ in calls]
    for _ in range(rounds):
        for call, measured in zip(calls, times):
            if call is None:
                continue
            start = clock()
            for _ in range(count):
                call()
            measured.append((clock() - start) / count)
    ratios = ["fails" if not measured else f"{statistics.median(m / b for m, b in zip(measured, times[0])):.3f}"
              for measured in times[1:]]
    base = statistics.median(times[0]) * 1e3
    print(f"| {name + '@b' + str(batch):<22} | {base:9.4f} | " + " | ".join(f"{ratio:>8}" for ratio in ratios) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("names", nargs="*", metavar="name")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    print("| model | torch::jit frozen, ms | ONNX Runtime | OpenVINO |\n|---|---|---|---|")
    for name in arguments.names or zoo.ZOO:
        for batch in zoo.ZOO[name][3]:
            measure(name, batch, arguments.threads, arguments.rounds)


if __name__ == "__main__":
    main()

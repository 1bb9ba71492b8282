#!/usr/bin/env python3
"""torchvision's resnet50 for tests/nn/resnet_test.cc: writes its state dict, its scripted archive, an input and the output that
Python gives, then runs the test.

usage: resnet.py VESTA_NN_TEST
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import torchvision


def main():
    torch.manual_seed(0)
    model = torchvision.models.resnet50().eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        image = torch.rand(1, 3, 64, 64)
        output = model(image)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        torch.save(model.state_dict(), folder / "state.pt")
        torch.save({"input": image, "output": output}, folder / "values.pt")
        # The archive's own weights are others: those of the state dict have to replace them.
        torch.jit.script(torchvision.models.resnet50().eval()).save(folder / "scripted.pt")
        return subprocess.run([sys.argv[1], "--gtest_filter=ResNet50.*"],
                              env=os.environ | {"VESTA_RESNET_FOLDER": name}).returncode


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Training in Python, for tests/nn: the same training goes on in C++.

usage: training.py write FOLDER      trains 10 steps with each optimizer and saves a checkpoint after 5 steps
       training.py check FOLDER      goes on from the checkpoints that C++ wrote after 5 more steps (see nn_test.cc)

The model is Linear(3, 4), tanh, Linear(4, 1) in double precision on fixed data; Adam has a StepLR scheduler.
"""
import pathlib
import sys

import torch

OPTIMIZERS = {
    "SGD": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "Adam": (torch.optim.Adam, {"lr": 0.05, "betas": (0.8, 0.99), "amsgrad": True}),
    "AdamW": (torch.optim.AdamW, {"lr": 0.05, "weight_decay": 0.1}),
    "RMSprop": (torch.optim.RMSprop, {"lr": 0.02, "momentum": 0.5, "centered": True}),
    "Adagrad": (torch.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.01}),
    "LBFGS": (torch.optim.LBFGS, {"lr": 0.5, "max_iter": 3, "history_size": 4}),
}


def make_model():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):
            parameter.copy_(torch.linspace(-0.5, 0.5, parameter.numel(), dtype=torch.float64).view_as(parameter) * (i + 1))
    return model


def make_data():
    x = torch.linspace(-1, 1, 24, dtype=torch.float64).view(8, 3)
    return x, (x.sum(1, keepdim=True)).sin()


def train(model, optimizer, scheduler, steps):
    x, y = make_data()
    losses = []
    for _ in range(steps):
        def closure():
            optimizer.zero_grad()
            loss = (model(x) - y).square().mean()
            loss.backward()
            return loss
        losses.append(float(optimizer.step(closure)))
        scheduler.step()
    return losses


def main():
    command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    wrong = 0
    for name, (optimizer_class, options) in OPTIMIZERS.items():
        model = make_model()
        optimizer = optimizer_class(model.parameters(), **options)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)
        losses = train(model, optimizer, scheduler, 5)
        if command == "write":
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
            torch.save(state, folder / f"training_{name}.pt")
            later = train(model, optimizer, scheduler, 10)
            torch.save({"losses": losses + later, "model": model.state_dict()}, folder / f"trained_{name}.pt")
            continue
        expected = train(model, optimizer, scheduler, 10)[5:]
        state = torch.load(folder / f"from_cpp_{name}.pt", weights_only=True)
        model = make_model()
        optimizer = optimizer_class(model.parameters(), **options)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        got = train(model, optimizer, scheduler, 5)
        largest = max(abs(a - b) for a, b in zip(expected, got))
        print(f"{name}: Python -> C++ -> Python, losses differ at most by {largest:.1e}")
        wrong += largest > 1e-6
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""tinygrad's rules, recorded: `pip install tinygrad==0.14.0`. Adam keeps the powers of its decays in float32."""

from __future__ import annotations

import os
from importlib.metadata import version

os.environ["DEV"] = "PYTHON"  # its own emulator, which wants no compiler
os.environ["OPTIM_DTYPE"] = "float64"

import numpy as np
import tinygrad.nn.optim
from tinygrad import Context, Tensor, dtypes

from peers.recording import record, signature

RUNS = """
tinygrad.SGD(lr=0.125) in steps
tinygrad.SGD(lr=0.0625, momentum=0.75, weight_decay=0.125) in steps
tinygrad.SGD(lr=0.0625, momentum=0.75, nesterov=True) in steps
tinygrad.SGD(lr=0.0625, momentum=0.75, classic=True) in steps
tinygrad.SGD(lr=0.0625, momentum=0.75, weight_decay=0.125, nesterov=True, classic=True) in steps
tinygrad.Adam(lr=0.125, b1=0.75, b2=0.875, eps=0.0009765625) in steps to 1e-6
tinygrad.Adam() to 1e-6
tinygrad.AdamW(lr=0.125, b1=0.75, b2=0.875, eps=0.0009765625, weight_decay=0.125) in steps to 1e-6
tinygrad.AdamW() to 1e-6
"""
NAMES = ["SGD", "Adam", "AdamW"]


class Library:
    def __init__(self, call, parts):
        self.parameters = [Tensor(p, dtype=dtypes.float64) for p in parts]
        self.optimizer = eval(
            call.replace("(", "(p, "), {"tinygrad": tinygrad.nn.optim, "p": self.parameters}
        )
        self.first = self.optimizer.lr.numpy()

    def scale(self, factor):
        self.optimizer.lr.assign(Tensor(self.first * factor, dtype=self.optimizer.lr.dtype)).realize()

    def step(self, gradients):
        for p, g in zip(self.parameters, gradients, strict=True):
            p.grad = Tensor(g, dtype=dtypes.float64)
        with Context(TRAINING=1):
            self.optimizer.step()

    def values(self):
        return [p.numpy() for p in self.parameters]


if __name__ == "__main__":
    found = {
        "tinygrad." + n: signature(getattr(tinygrad.nn.optim, n), skip=("params", "device", "fused"))
        for n in NAMES
    }
    record(
        "tinygrad", {"tinygrad": version("tinygrad"), "numpy": np.__version__}, Library, RUNS, found, found
    )

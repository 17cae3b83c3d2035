"""The optimizers of HIPS autograd, recorded: `pip install autograd==1.9.1`. They run to the end on their own."""

from __future__ import annotations

from importlib.metadata import version

import autograd.misc.optimizers
import numpy as np

from peers.recording import record, signature

RUNS = """
autograd.sgd(step_size=0.125, mass=0.75)
autograd.sgd()
autograd.rmsprop(step_size=0.0625, gamma=0.875, eps=0.0009765625)
autograd.rmsprop()
autograd.adam(step_size=0.125, b1=0.75, b2=0.875, eps=0.0009765625)
autograd.adam()
"""
NAMES = ["sgd", "rmsprop", "adam"]


class Library:
    def __init__(self, call, parts):
        self.call, self.point, self.gradients = call, np.concatenate(parts), []

    def step(self, gradients):
        self.gradients.append(np.concatenate(gradients))
        self.values()

    def values(self):
        scope = {
            "autograd": autograd.misc.optimizers,
            "g": lambda x, i: self.gradients[i],
            "x": self.point,
            "n": len(self.gradients),
        }
        return [eval(self.call.replace("(", "(g, x, num_iters=n, "), scope)]


def inside(wrapped):
    """The optimizer below autograd's wrapper, which hides the parameters."""
    return next(c.cell_contents for c in wrapped.__closure__ if callable(c.cell_contents))


if __name__ == "__main__":
    skip = ("grad", "x", "init_params", "x0", "callback", "num_iters")
    found = {"autograd." + n: signature(inside(getattr(autograd.misc.optimizers, n)), skip) for n in NAMES}
    record(
        "autograd", {"autograd": version("autograd"), "numpy": np.__version__}, Library, RUNS, found, found
    )

"""Chainer's rules, recorded. Chainer 7.8.1 wants Python <= 3.11 with numpy 1.23: `pip install numpy==1.23.5 chainer==7.8.1`.

Its weight decay and its clipping of gradients are hooks. Its defaults are in `Hyperparameter` objects, not in signatures.
"""

from __future__ import annotations

import chainer
import numpy as np
from chainer import optimizers
from chainer.optimizer_hooks import GradientClipping

from peers.recording import plain, record, signature

RUNS = """
chainer.SGD(lr=0.125) in steps
chainer.MomentumSGD(lr=0.0625, momentum=0.75) in steps
chainer.NesterovAG(lr=0.0625, momentum=0.75) in steps
chainer.NesterovAG()
chainer.AdaGrad(lr=0.125, eps=0.0009765625) in steps
chainer.AdaDelta(rho=0.875, eps=0.0009765625)
chainer.RMSprop(lr=0.0625, alpha=0.875, eps=0.0009765625) in steps
chainer.RMSprop(lr=0.0625, alpha=0.875, eps=0.0009765625, eps_inside_sqrt=True)
chainer.RMSprop()
chainer.RMSpropGraves(lr=0.0625, alpha=0.875, momentum=0.75, eps=0.0078125) in steps
chainer.Adam(alpha=0.125, beta1=0.75, beta2=0.875, eps=0.0009765625) in steps
chainer.Adam(alpha=0.125, beta2=0.875, eps=0.0009765625, amsgrad=True)
chainer.Adam(alpha=0.125, eta=0.5, weight_decay_rate=0.0625, eps=0.0009765625) in steps
chainer.Adam()
chainer.SGD(lr=0.125), clip = chainer.GradientClipping(threshold=0.5)
"""
NAMES = ["SGD", "MomentumSGD", "NesterovAG", "AdaGrad", "AdaDelta", "RMSprop", "RMSpropGraves", "Adam"]


class Library:
    def __init__(self, call, parts):
        rule, _, clip = call.partition(", clip = ")
        self.link = chainer.Link()
        with self.link.init_scope():
            for i, part in enumerate(parts):
                setattr(self.link, f"p{i}", chainer.Parameter(part.copy()))
        self.parameters = [getattr(self.link, f"p{i}") for i in range(len(parts))]
        self.optimizer = eval(rule, {"chainer": optimizers}).setup(self.link)
        if clip:
            self.optimizer.add_hook(eval(clip, {"chainer": chainer.optimizer_hooks}))
        self.name = "alpha" if "Adam" in rule else "lr"
        self.first = getattr(self.optimizer, self.name, None)

    def scale(self, factor):
        setattr(self.optimizer, self.name, self.first * factor)

    def step(self, gradients):
        for p, g in zip(self.parameters, gradients, strict=True):
            p.grad = g.copy()
        self.optimizer.update()

    def values(self):
        return [p.array for p in self.parameters]


def defaults(name):
    """The signature's order, the values of the class' `_default_hyperparam`."""
    optimizer = getattr(optimizers, name)()
    return [
        [p[0], plain(getattr(optimizer, p[0]))]
        for p in signature(getattr(optimizers, name))
        if hasattr(optimizer, p[0])
    ]


if __name__ == "__main__":
    found = {"chainer." + n: defaults(n) for n in NAMES}
    ranges = dict(found)
    found["chainer.GradientClipping"] = signature(GradientClipping)
    record("chainer", {"chainer": chainer.__version__, "numpy": np.__version__}, Library, RUNS, found, ranges)

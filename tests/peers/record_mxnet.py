"""MXNet's rules, recorded. MXNet 1.9.1 wants numpy 1.23: `pip install numpy==1.23.5 mxnet==1.9.1`.

Some classes make their states in float32 whatever the weights are; here all states are float64. Numbers such as the rate are
C++ floats in its kernels: Adam's, which has the bias corrections in it, is rounded to float32 in every step.
"""

from __future__ import annotations

import mxnet as mx
import numpy as np

from peers.recording import record, signature

RUNS = """
mxnet.SGD(learning_rate=0.125) in steps
mxnet.SGD(learning_rate=0.0625, momentum=0.75, wd=0.125, clip_gradient=0.5) in steps
mxnet.SGD(momentum=0.5) to 1e-6
mxnet.NAG(learning_rate=0.0625, momentum=0.75, wd=0.125, clip_gradient=0.5) in steps
mxnet.NAG() to 1e-6
mxnet.Adam(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0009765625, wd=0.125, clip_gradient=0.5) in steps to 1e-6
mxnet.Adam() to 1e-6
mxnet.AdaGrad(learning_rate=0.125, eps=0.0009765625, wd=0.125, clip_gradient=0.5) in steps
mxnet.AdaGrad()
mxnet.RMSProp(learning_rate=0.0625, gamma1=0.875, epsilon=0.0009765625, wd=0.125, clip_gradient=0.5) in steps
mxnet.RMSProp(learning_rate=0.0625, gamma1=0.875, gamma2=0.75, epsilon=0.0078125, centered=True) in steps
mxnet.RMSProp(learning_rate=0.0625, epsilon=0.0078125, centered=True, wd=0.125, clip_gradient=0.5) to 1e-6
mxnet.RMSProp() to 1e-6
mxnet.AdaDelta(rho=0.875, epsilon=0.0009765625, wd=0.015625, clip_gradient=0.5)
mxnet.AdaDelta()
mxnet.Adamax(learning_rate=0.125, beta1=0.75, beta2=0.875, wd=0.125, clip_gradient=0.5) in steps
mxnet.Nadam(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0009765625, schedule_decay=0.125) in steps as one tensor
mxnet.Nadam(learning_rate=0.125, epsilon=0.0009765625, wd=0.125, clip_gradient=0.5) as one tensor
"""
NAMES = ["SGD", "NAG", "Adam", "AdaGrad", "RMSProp", "AdaDelta", "Adamax", "Nadam"]


def double(state):
    if isinstance(state, (tuple, list)):
        return tuple(double(s) for s in state)
    return None if state is None else state.astype("float64")


class Library:
    def __init__(self, call, parts):
        self.optimizer = eval(call, {"mxnet": mx.optimizer})
        self.weights = [mx.nd.array(p, dtype="float64") for p in parts]
        self.states = [double(self.optimizer.create_state(i, w)) for i, w in enumerate(self.weights)]
        self.first = self.optimizer.lr

    def scale(self, factor):
        self.optimizer.lr = self.first * factor

    def step(self, gradients):
        for i, (w, g, s) in enumerate(zip(self.weights, gradients, self.states, strict=True)):
            self.optimizer.update(i, w, mx.nd.array(g, dtype="float64"), s)
        self.values()

    def values(self):
        return [w.asnumpy() for w in self.weights]


def defaults(name):
    """What the base class takes by keyword comes last; its default rate is set in its body."""
    own = signature(getattr(mx.optimizer, name))
    base = {p[0]: p[1] for p in signature(mx.optimizer.Optimizer)}
    rate = (
        []
        if any(p[0] == "learning_rate" for p in own)
        else [["learning_rate", mx.optimizer.SGD().lr, "keyword"]]
    )
    return own + rate + [[n, base[n], "keyword"] for n in ("wd", "clip_gradient")]


if __name__ == "__main__":
    found = {"mxnet." + n: defaults(n) for n in NAMES}
    record("mxnet", {"mxnet": mx.__version__, "numpy": np.__version__}, Library, RUNS, found, found)

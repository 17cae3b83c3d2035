"""The optimizers of scikit-learn's MLPs, recorded: `pip install scikit-learn==1.9.1`."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.neural_network import _stochastic_optimizers

from peers.recording import record, signature

RUNS = """
sklearn.SGDOptimizer(learning_rate_init=0.0625, momentum=0.75, nesterov=False)
sklearn.SGDOptimizer()
sklearn.AdamOptimizer(learning_rate_init=0.125, beta_1=0.75, beta_2=0.875, epsilon=0.0009765625)
sklearn.AdamOptimizer()
"""
NAMES = ["SGDOptimizer", "AdamOptimizer"]


class Library:
    def __init__(self, call, parts):
        self.parameters = [p.copy() for p in parts]
        self.optimizer = eval(
            call.replace("(", "(p, "), {"sklearn": _stochastic_optimizers, "p": self.parameters}
        )

    def step(self, gradients):
        self.optimizer.update_params(self.parameters, gradients)

    def values(self):
        return [p.copy() for p in self.parameters]


if __name__ == "__main__":
    found = {"sklearn." + n: signature(getattr(_stochastic_optimizers, n), ("params",)) for n in NAMES}
    record(
        "sklearn", {"scikit-learn": sklearn.__version__, "numpy": np.__version__}, Library, RUNS, found, found
    )

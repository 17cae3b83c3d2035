"""MLX's rules and its clip, recorded on its CPU backend, in float64: `pip install "mlx[cpu]==0.32.4"`.

Rates are in float32 there, corrected ones too.
"""

from __future__ import annotations

import mlx.core as mx
import mlx.optimizers
import numpy as np

from peers.recording import raised, record, signature

mx.set_default_device(mx.cpu)
RUNS = """
mlx.SGD(learning_rate=0.125) in steps
mlx.SGD(learning_rate=0.0625, momentum=0.75, weight_decay=0.125, dampening=0.5) in steps
mlx.SGD(learning_rate=0.0625, momentum=0.75, dampening=0.75)
mlx.SGD(learning_rate=0.0625, momentum=0.75, nesterov=True) in steps
mlx.RMSprop(learning_rate=0.0625, alpha=0.875, eps=0.0009765625) in steps
mlx.RMSprop(learning_rate=0.0625)
mlx.Adagrad(learning_rate=0.125, eps=0.0009765625) in steps
mlx.AdaDelta(learning_rate=0.5, rho=0.875, eps=0.0009765625) in steps
mlx.Adam(learning_rate=0.125, betas=(0.75, 0.875), eps=0.0009765625) in steps
mlx.Adam(learning_rate=0.125, betas=(0.75, 0.875), eps=0.0009765625, bias_correction=True) in steps to 1e-7
mlx.AdamW(learning_rate=0.125, betas=(0.75, 0.875), eps=0.0009765625, weight_decay=0.125) in steps
mlx.AdamW(learning_rate=0.125, betas=(0.75, 0.875), eps=0.0009765625, bias_correction=True) in steps to 1e-7
mlx.Adamax(learning_rate=0.125, betas=(0.75, 0.875), eps=0.0078125) in steps
mlx.Lion(learning_rate=0.03125, betas=(0.75, 0.875), weight_decay=0.125) in steps
mlx.Lion(learning_rate=0.03125)
mlx.SGD(learning_rate=0.125), clip = mlx.clip_grad_norm(max_norm=0.5)
"""
REFUSED = """
mlx.SGD(learning_rate=0.125, nesterov=True)
mlx.SGD(learning_rate=0.125, momentum=0.5, dampening=0.5, nesterov=True)
"""
NAMES = ["SGD", "RMSprop", "Adagrad", "AdaDelta", "Adam", "AdamW", "Adamax", "Lion"]


class Library:
    def __init__(self, call, parts):
        rule, _, self.clip = call.partition(", clip = ")
        self.parameters = {str(i): mx.array(p, dtype=mx.float64) for i, p in enumerate(parts)}
        self.optimizer = eval(rule, {"mlx": mlx.optimizers})
        self.first = float(self.optimizer.learning_rate.item())

    def scale(self, factor):
        self.optimizer.learning_rate = self.first * factor

    def step(self, gradients):
        given = {str(i): mx.array(g, dtype=mx.float64) for i, g in enumerate(gradients)}
        if self.clip:
            call = self.clip.replace("(", "(given, ")
            given, _ = eval(call, {"mlx": mlx.optimizers, "given": given})
        self.parameters = self.optimizer.apply_gradients(given, self.parameters)
        mx.eval(self.parameters)

    def values(self):
        return [np.array(p) for p in self.parameters.values()]


if __name__ == "__main__":
    found = {"mlx." + n: signature(getattr(mlx.optimizers, n)) for n in NAMES}
    ranges = dict(found)
    found["mlx.clip_grad_norm"] = signature(mlx.optimizers.clip_grad_norm, skip=("grads",))
    record(
        "mlx",
        {"mlx": mx.__version__, "numpy": np.__version__},
        Library,
        RUNS,
        found,
        ranges,
        {"raises": raised(Library, REFUSED)},
    )

"""PaddlePaddle's rules and clips, recorded: `pip install paddlepaddle==3.3.1`.

Numbers such as the rate are C++ floats in its kernels: with the defaults its runs agree to float32 only. Each tensor by
itself it clips in float32 alone.
"""

from __future__ import annotations

import numpy as np
import paddle

from peers.recording import record, signature

paddle.set_default_dtype("float64")
RUNS = """
paddle.SGD(learning_rate=0.125, weight_decay=0.125) in steps
paddle.SGD()
paddle.Momentum(learning_rate=0.0625, momentum=0.75, weight_decay=0.125) in steps
paddle.Momentum(learning_rate=0.0625, momentum=0.75, use_nesterov=True) in steps
paddle.Momentum() to 1e-6
paddle.Adagrad(learning_rate=0.125, epsilon=0.0009765625, weight_decay=0.125, initial_accumulator_value=0.5) in steps
paddle.Adagrad(learning_rate=0.125) to 1e-6
paddle.Adadelta(learning_rate=0.5, epsilon=0.0009765625, rho=0.875, weight_decay=0.125) in steps
paddle.Adadelta() to 1e-6
paddle.RMSProp(learning_rate=0.0625, rho=0.875, epsilon=0.0009765625, weight_decay=0.125) in steps
paddle.RMSProp(learning_rate=0.0625, rho=0.875, epsilon=0.0009765625, momentum=0.75) in steps
paddle.RMSProp(learning_rate=0.0625, rho=0.875, epsilon=0.0078125, momentum=0.75, centered=True) in steps
paddle.RMSProp(learning_rate=0.0625) to 1e-6
paddle.Adam(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0009765625, weight_decay=0.125) in steps
paddle.Adam()
paddle.AdamW(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0009765625, weight_decay=0.125) in steps
paddle.AdamW() to 1e-6
paddle.Adamax(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0078125, weight_decay=0.125) in steps
paddle.Adamax() to 1e-6
paddle.NAdam(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0009765625, momentum_decay=0.125) in steps
paddle.NAdam(learning_rate=0.125, weight_decay=0.125) to 1e-6
paddle.NAdam() to 1e-6
paddle.RAdam(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0009765625, weight_decay=0.125) in steps
paddle.RAdam() to 1e-6
paddle.SGD(learning_rate=0.125), clip = paddle.ClipGradByGlobalNorm(clip_norm=0.5)
paddle.SGD(learning_rate=0.125), clip = paddle.ClipGradByNorm(clip_norm=0.5) to 1e-6
paddle.SGD(learning_rate=0.125), clip = paddle.ClipGradByValue(max=0.5)
"""
NAMES = ["SGD", "Momentum", "Adagrad", "Adadelta", "RMSProp", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"]
CLIPS = ["ClipGradByGlobalNorm", "ClipGradByNorm", "ClipGradByValue"]


class Library:
    def __init__(self, call, parts):
        rule, _, clip = call.partition(", clip = ")
        self.dtype = "float32" if "ClipGradByNorm" in clip else "float64"
        self.parameters = [
            paddle.create_parameter(
                list(p.shape),
                self.dtype,
                default_initializer=paddle.nn.initializer.Assign(p.astype(self.dtype)),
            )
            for p in parts
        ]
        more = {"parameters": self.parameters}
        if clip:
            more["grad_clip"] = eval(clip, {"paddle": paddle.nn})
        self.optimizer = eval(rule.replace("(", "(**more, "), {"paddle": paddle.optimizer, "more": more})
        self.first = self.optimizer.get_lr()

    def scale(self, factor):
        self.optimizer.set_lr(self.first * factor)

    def step(self, gradients):
        total = sum(
            (p * paddle.to_tensor(g, self.dtype)).sum()
            for p, g in zip(self.parameters, gradients, strict=True)
        )
        total.backward()
        self.optimizer.step()
        self.optimizer.clear_grad()

    def values(self):
        return [p.numpy() for p in self.parameters]


if __name__ == "__main__":
    found = {"paddle." + n: signature(getattr(paddle.optimizer, n), skip=("parameters",)) for n in NAMES}
    ranges = {
        n: [p for p in s if len(p) == 1 or isinstance(p[1], float) or p[0] == "weight_decay"]
        for n, s in found.items()
    }
    found.update(("paddle." + n, signature(getattr(paddle.nn, n))) for n in CLIPS)
    versions = {"paddlepaddle": paddle.__version__, "numpy": np.__version__}
    record("paddle", versions, Library, RUNS, found, ranges)

"""Small networks of every kind of layer, and samples for them: what the CUDA tests train."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    network: str
    inputs: int
    outputs: int = 2
    words: int = 0
    """Inputs are whole numbers below this, where it is not 0."""
    rest: str = "optimizer momentum.heavy_ball(eta = 0.02)"
    train: str = "batch = 3"
    head: str = ""
    loss: str = ""
    """Where it is another one than the network's usual."""

    def text(self, more: str = "") -> str:
        """With samples given as arrays."""
        usual = "loss cross_entropy" if "softmax) 2]" in self.network else "loss half_mse"
        last = self.loss or usual
        train = f"train steps = 9, {self.train}{', ' if more else ''}{more}"
        head = f"data given, scale = none\n{self.head}network {self.network}\ninit glorot_uniform\n{last}\n"
        return f"{head}{self.rest}\n{train}\n"

    def samples(self, count: int = 7) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(3)
        x = rng.normal(size=(count, self.inputs))
        if self.words:
            x = rng.integers(0, self.words, x.shape).astype(float)
        if "softmax) 2]" in self.network:
            return x, rng.integers(0, 2, count)
        return x, rng.normal(size=(count, self.outputs))


TWICE = (
    "optimizer twice(eta = 0.05):\n    theta[n+1] = theta[n] - eta*grad R(theta[n] - 0.3*grad R(theta[n]))\n"
)
ENERGY = (
    "loss R = mean((u - y)^2) + 0.1*sum[i, j](1/sqrt(sum[k]((layer1.weight[i, k]"
    " - layer1.weight[j, k])^2)) if i != j else 0)"
)
CASES = {
    "a penalty of pairs": Case("[3 (tanh) 4 (lin) 2]", 3, loss=ENERGY),
    "lenet": Case("[6x6x1 (conv 3x3, tanh) 2 (avgpool 2x2) (conv 2x2, tanh) 2 (softmax) 2]", 36),
    "windows": Case("[5x4x2 (conv 3x3 stride 2 pad 1, relu) 2 (maxpool 2x2 stride 1x1) (lin) 2]", 40),
    "batch norm": Case("[3 (dense nobias) 3 (lecture.batchnorm, tanh) (lin) 2]", 3),
    "norm of images": Case("[3x3x1 (conv 2x2 nobias) 2 (lecture.batchnorm, relu) (globalavgpool) (lin) 2]", 9),
    "dropout": Case("[3 (tanh) 5 (dropout.inverted 0.4) (lin) 2]", 3),
    "modes": Case(
        "[2x2x1 (conv 2x2 nobias) 3 (lecture.batchnorm, tanh) (dropout.srivastava(kept)) (lin) 2]", 4,
        rest=TWICE + "optimizer twice()\nschedule kept = 0.6 until 1, 0.5 + 0.1*epoch",
        train="batch = 3, stop = norm(grad R) < 1e-9, seed = 5"),
    "inputs first": Case("[3x3x1 (keras.Conv2D 2x2, tanh) 2 (keras.Flatten) (keras.Dense) 2]", 9),
    "lstm": Case("[3x2 (torch.LSTM) 2 (last) (lin) 2]", 6),
    "gru": Case("[3x2 (torch.GRU) 2 (last) (lin) 2]", 6),
    "rounds": Case("[3 (bjorck(rounds = 2)) 2 (earlydropout(6) p 0.4) (lin) 2]", 3),
    "attention": Case("[3x2 (attention(2)) (layernorm 1e-5) (last) (lin) 2]", 6),
    "residual": Case(
        "[3x3x1 (conv 2x2) 2 (res) (lin) 2]", 9, head="block res(c) = x + [c (conv 3x3 same, relu) c]\n"
    ),
    "embedding": Case("[3 (embedding(4)) 2 (last) (lin) 2]", 3, words=4),
    "groups": Case("[3x3x2 (groupconv(groups = 2) 2x2) 4 (upsample 2x2) (globalmaxpool) (lin) 2]", 18),
}  # fmt: skip
"""`modes`: evaluated at other points than theta, and in test mode for the criterion; a layer's number follows a schedule."""

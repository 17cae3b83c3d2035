"""Real data sets, scaled, with a network and initial weights; NumPy only, nothing of netc or its peers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]

Arrays = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Problem:
    """A training problem. Where no activations are given hidden layers are tanh, and a regression (`half_mse`) has a linear
    output, a classification (`cross_entropy`) a softmax.
    """

    name: str
    sizes: tuple[int, ...]
    loss: Literal["half_mse", "cross_entropy"]
    x: NDArray[np.float64]
    """(samples, inputs), scaled."""
    y: NDArray[np.float64] | NDArray[np.int64]
    """(samples,) or (samples, outputs): numbers; or (samples,): the classes 0, 1, ..."""
    given: tuple[str, ...] = ()
    """The activations of all layers."""

    @property
    def activations(self) -> tuple[str, ...]:
        last = "lin" if self.loss == "half_mse" else "softmax"
        return self.given or (*["tanh"] * (len(self.sizes) - 2), last)

    @property
    def network(self) -> str:
        """In bracket notation: `[4(tanh)8(softmax)3]`."""
        layers = "".join(f"({a}){n}" for a, n in zip(self.activations, self.sizes[1:], strict=True))
        return f"[{self.sizes[0]}{layers}]"

    def weights(self, seed: int) -> Arrays:
        """Glorot-uniform weights (out, in) and small random biases, so that every parameter takes part."""
        random = np.random.default_rng(seed)
        state: Arrays = {}
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.sizes), start=1):
            bound = np.sqrt(6 / (fan_in + fan_out))
            state[f"layer{layer}.weight"] = random.uniform(-bound, bound, (fan_out, fan_in))
            state[f"layer{layer}.bias"] = random.uniform(-0.1, 0.1, fan_out)
        return state


def boston(samples: int | None = None) -> Problem:
    table = np.loadtxt(ROOT / "examples" / "data" / "boston.csv", delimiter=",", skiprows=1)[:samples]
    table = _zscore(table)
    return Problem(
        "boston", (13, 15, 15, 1), "half_mse", np.ascontiguousarray(table[:, :-1]), table[:, -1].copy()
    )


def sonar() -> Problem:
    """The talk's network: mines are 0, rocks 1."""
    file = ROOT / "examples" / "data" / "sonar.csv"
    cells = np.loadtxt(file, delimiter=",", skiprows=1, dtype=str)
    x, y = _zscore(cells[:, :-1].astype(float)), (cells[:, -1] == "R").astype(float)
    return Problem("sonar", (60, 30, 1), "half_mse", x, y, ("gelu", "sigmoid"))


def iris() -> Problem:
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    return Problem("iris", (4, 8, 3), "cross_entropy", _zscore(x), y.astype(np.int64))


def digits() -> Problem:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return Problem("digits", (64, 16, 10), "cross_entropy", x / 16, y.astype(np.int64))


def _zscore(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return (x - x.mean(axis=0)) / x.std(axis=0)

"""What is measured: small networks under gradient descent or Adam, with fixed start and order of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np

from peers.problems import Arrays, Problem, boston, sonar

Precision = Literal["f64", "f32"]
Rule = Literal["gd", "adam"]
BETAS, EPS = (0.9, 0.999), 1e-8
"""Of Adam, as in PyTorch."""

ITERATIONS = 4
"""What is asked of a contender is a multiple of this, so that it may unroll as many."""


AGREED = 100
"""Iterations after which contenders must agree, where a workload says no other number."""


class Work(Protocol):
    """What is measured, as far as the measuring needs to know."""

    @property
    def title(self) -> str: ...
    @property
    def precision(self) -> Precision: ...
    @property
    def unit(self) -> int:
        """Iterations come in multiples of this."""
        ...

    @property
    def tolerance(self) -> float:
        """Of the parameters after the agreement's iterations, relative to the largest of a tensor."""
        ...

    @property
    def agreed(self) -> int:
        """Iterations, or a little more, after which all must have the same parameters; and the fewest that are timed."""
        ...


@dataclass(frozen=True)
class Workload:
    title: str
    problem: Problem
    precision: Precision
    batch: int
    """Samples an iteration, in the order of the data; it divides their number."""
    runs: int
    """Networks trained side by side; all begin at the same weights."""
    rate: float
    rule: Rule = "gd"
    agreed: int = AGREED

    @property
    def optimizer(self) -> str:
        """In netc."""
        return f"gd(eta = {self.rate})" if self.rule == "gd" else f"torch.Adam(lr = {self.rate})"

    @property
    def operations(self) -> int:
        """Additions and multiplications of the three products of an iteration's gradient: per sample and weight two each for
        the outputs and for the weights' gradient, and for the inputs' cotangent behind the first layer.

        Activations, the loss and the update are left out: so the share of the peak is what users get of it.
        """
        weights = [inputs * outputs for inputs, outputs in pairwise(self.problem.sizes)]
        return self.batch * (6 * sum(weights) - 2 * weights[0])

    @property
    def dtype(self) -> type[np.float64] | type[np.float32]:
        return np.float64 if self.precision == "f64" else np.float32

    @property
    def batches(self) -> int:
        return len(self.problem.y) // self.batch

    @property
    def unit(self) -> int:
        """Iterations come in multiples of this: whole epochs, and of ITERATIONS."""
        return math.lcm(self.batches, ITERATIONS)

    @property
    def tolerance(self) -> float:
        """Of the weights after the agreement's iterations, relative to the largest of a tensor."""
        return 1e-9 if self.precision == "f64" else 1e-4

    def start(self) -> Arrays:
        return self.problem.weights(seed=1)


class Contender(Protocol):
    """One way to compute a workload, ready to go."""

    name: str
    runs: int
    """How many it trains at a time."""

    def advance(self, steps: int) -> None:
        """Trains `steps` iterations, a multiple of the workload's unit; returns when they are done."""

    def weights(self) -> Arrays:
        """Of the last network, in float64."""


def workloads() -> list[Workload]:
    """In the order of the table."""
    house, batches, pictures = boston(samples=404), boston(samples=384), images()
    return [
        Workload("Boston, all 404 samples", house, "f64", 404, 1, 0.1),
        Workload("Boston, 64 networks", house, "f64", 404, 64, 0.1),
        Workload("Boston, batches of 32", batches, "f64", 32, 1, 0.05),
        Workload("images, batches of 32", pictures, "f64", 32, 1, 0.05),
        Workload("Boston, all 404 samples", house, "f32", 404, 1, 0.1),
        Workload("Boston, 64 networks", house, "f32", 404, 64, 0.1),
        Workload("Boston, 1000 networks", house, "f32", 404, 1000, 0.1, agreed=8),
        Workload("Boston, batches of 32", batches, "f32", 32, 1, 0.05),
        Workload("Boston, batches of 8", batches, "f32", 8, 1, 0.05),
        Workload("Boston, single samples", batches, "f32", 1, 1, 0.01),
        Workload("exponentials, Adam", exponentials(), "f32", 10_000, 1, 0.001, "adam"),
        Workload("Sonar, all 208 samples", sonar(), "f32", 208, 1, 0.1),
        Workload("images, batches of 32", pictures, "f32", 32, 1, 0.05),
        Workload("images, batches of 128", pictures, "f32", 128, 1, 0.05),
        Workload("images, batches of 256", pictures, "f32", 256, 1, 0.05),
        Workload("images, 300 and 100 units, batches of 128", images(hidden=(300, 100)), "f32", 128, 1, 0.05),
        Workload("512-512-512-10, batches of 64", noise((512, 512, 512, 10)), "f32", 64, 1, 0.01),
        Workload("20 layers of 32, batches of 32", noise((32,) * 20 + (10,)), "f32", 32, 1, 0.01),
    ]


HEADLINES = (
    "Boston, all 404 samples, f64", "Boston, 64 networks, f32", "Boston, batches of 32, f32", "Boston, single samples, f32",
    "images, batches of 256, f32", "images, 300 and 100 units, batches of 128, f32", "512-512-512-10, batches of 64, f32",
)  # fmt: skip
"""The rows that the README has: small and large, and those in which netc is least ahead."""


def images(samples: int = 2048, hidden: tuple[int, ...] = (24,)) -> Problem:
    """As MNIST in shape: random images of 784 numbers, most of them 0, in ten classes."""
    random = np.random.default_rng(0)
    x = random.random((samples, 784)) * (random.random((samples, 784)) < 0.2)
    return Problem("images", (784, *hidden, 10), "cross_entropy", x, random.integers(0, 10, samples))


def noise(sizes: tuple[int, ...], samples: int = 1024) -> Problem:
    """Normal inputs in random classes."""
    random = np.random.default_rng(0)
    x = random.standard_normal((samples, sizes[0]))
    return Problem("noise", sizes, "cross_entropy", x, random.integers(0, sizes[-1], samples))


def exponentials(samples: int = 10_000) -> Problem:
    """The task of SimpleChains.jl's first example: 2x2 matrices and their exponentials, by a 4-32-16-4 network."""
    random = np.random.default_rng(0)
    x = random.standard_normal((samples, 2, 2))
    term = total = np.broadcast_to(np.eye(2), x.shape)
    for n in range(1, 40):
        term = term @ x / n
        total = total + term
    y = total.reshape(samples, 4)
    return Problem("exponentials", (4, 32, 16, 4), "half_mse", x.reshape(samples, 4), y / y.std())

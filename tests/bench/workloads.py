"""What is measured: small networks under plain gradient descent, with fixed start and order of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from peers.problems import Arrays, Problem, boston

Precision = Literal["f64", "f32"]

ITERATIONS = 4
"""What is asked of a contender is a multiple of this, so that it may unroll as many."""


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
    house, pictures = boston(samples=404), images()
    return [
        workload
        for precision in ("f64", "f32")
        for workload in (
            Workload("Boston, all 404 samples", house, precision, 404, 1, 0.1),
            Workload("Boston, 64 networks", house, precision, 404, 64, 0.1),
            Workload("Boston, batches of 32", boston(samples=384), precision, 32, 1, 0.05),
            Workload("images, batches of 32", pictures, precision, 32, 1, 0.05),
        )
    ]


def images(samples: int = 2048) -> Problem:
    """As MNIST in shape: random images of 784 numbers, most of them 0, in ten classes."""
    random = np.random.default_rng(0)
    x = random.random((samples, 784)) * (random.random((samples, 784)) < 0.2)
    return Problem("images", (784, 24, 10), "cross_entropy", x, random.integers(0, 10, samples))

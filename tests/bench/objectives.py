"""Benchmarks 1 and 2 of the talk (Turpault 2024) under plain gradient descent, from many starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

import netc
from bench.workloads import AGREED, Precision
from netc.runtime.training.start import first_theta
from peers.problems import Arrays

UNIT = 20
"""Iterations that a contender may record."""
COMPARED = 1000
"""Starts whose ends are compared, at most."""
DRAWN = 10_000
"""Different starts; more repeat them, which nobody takes advantage of."""
RATES = {1: 0.01, 2: 0.0005}
"""No start of uniform(-1, 1) diverges with them, so that all do every iteration."""


@dataclass(frozen=True)
class Objective:
    """R(w, b) = (g(w + b)^2 + g(b)^2)/4: a neuron with a bias on the samples (0, 0) and (1, 0)."""

    number: Literal[1, 2]
    runs: int
    precision: Precision = "f64"
    unit: int = UNIT
    tolerance: float = 1e-9
    agreed: int = AGREED

    @property
    def title(self) -> str:
        return f"benchmark {self.number}, gd, {self.runs:.0e} starts".replace("e+0", "e")

    @property
    def rate(self) -> float:
        return RATES[self.number]

    @property
    def text(self) -> str:
        g = {1: "z^2 - 1", 2: "2*z^3 - 3*z^2 + 5"}[self.number]
        return (
            f"activation g(z) = {g}\n"
            "objective R(w, b) = (g(w + b)^2 + g(b)^2)/4\n"
            "init theta ~ uniform(-1, 1)\n"
            f"optimizer gd(eta = {self.rate})\n"
        )

    @cached_property
    def start(self) -> np.ndarray:
        """(runs, 2): where netc begins its first runs, over and over."""
        program = netc.compile(f"{self.text}train steps = 1, runs = {self.runs}\n")._session.program
        return np.resize(first_theta(program, 0, min(self.runs, DRAWN)), (self.runs, 2))


def ends(theta: np.ndarray) -> Arrays:
    """What `weights` of a contender says."""
    return {"theta": np.array(theta[:COMPARED, :2], np.float64)}

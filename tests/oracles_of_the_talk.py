"""The optimizers of the talk in plain NumPy, straight from their description, to compare with.

A problem gives `loss(theta)` and `gradient(theta)`, of all samples, and of batch i (from 0) with `i` given.
Every oracle yields theta[1], theta[2], ... for ever; `counts` of the problem say what was evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
EPSILON = float(np.finfo(float).eps)

BENCHMARKS = {
    1: np.poly1d([1, 0, -1]),
    2: np.poly1d([2, -3, 0, 5]),
    3: np.poly1d([1, -4, 2, 8, -11, -12]),
}
"""The activations g of the deterministic benchmarks."""


@dataclass
class Problem:
    samples: list[tuple[Vector, float]]
    """Inputs and target."""
    value: Callable[[Vector, Vector, float], float]
    """Loss of one sample."""
    slope: Callable[[Vector, Vector, float], Vector]
    batches: list[list[int]]
    mean: bool
    """The loss of some samples is their mean, or their sum."""
    counts: dict[str, int] = field(default_factory=lambda: {"loss": 0, "gradient": 0})

    def chosen(self, i: int | None) -> list[tuple[Vector, float]]:
        return [self.samples[k] for k in (range(len(self.samples)) if i is None else self.batches[i])]

    def loss(self, theta: Vector, i: int | None = None) -> float:
        self.counts["loss"] += 1
        part = self.chosen(i)
        total = sum(self.value(theta, x, y) for x, y in part)
        return float(total / len(part) if self.mean else total)

    def gradient(self, theta: Vector, i: int | None = None) -> Vector:
        self.counts["gradient"] += 1
        part = self.chosen(i)
        total = sum((self.slope(theta, x, y) for x, y in part), np.zeros_like(theta))
        return total / len(part) if self.mean else total


def neuron(
    g: np.poly1d, samples: list[tuple[float, float]], batches: list[list[int]], factor: float
) -> Problem:
    """u = g(w x + b), loss of a sample factor*(u - y)^2."""
    slope = g.deriv()

    def value(theta: Vector, x: Vector, y: float) -> float:
        return float(factor * (g(theta[0] * x[0] + theta[1]) - y) ** 2)

    def derivative(theta: Vector, x: Vector, y: float) -> Vector:
        z = theta[0] * x[0] + theta[1]
        return 2 * factor * (g(z) - y) * slope(z) * np.array([x[0], 1.0])

    points = [(np.array([x]), y) for x, y in samples]
    return Problem(points, value, derivative, batches, mean=False)


def line(samples: list[tuple[float, float]], batches: list[list[int]]) -> Problem:
    """u = theta x, loss of a sample (u - y)^2: no bias, no factor."""

    def value(theta: Vector, x: Vector, y: float) -> float:
        return float((theta[0] * x[0] - y) ** 2)

    def derivative(theta: Vector, x: Vector, y: float) -> Vector:
        return np.array([2 * (theta[0] * x[0] - y) * x[0]])

    return Problem([(np.array([x]), y) for x, y in samples], value, derivative, batches, mean=False)


def small_network(samples: list[tuple[list[float], float]], batches: list[list[int]], hidden: int) -> Problem:
    """[2(tanh)hidden(lin)1], half the squared error; parameters W1 row by row, b1, W2, b2."""

    def parts(theta: Vector) -> tuple[Vector, Vector, Vector, float]:
        at = 2 * hidden
        return theta[:at].reshape(hidden, 2), theta[at : at + hidden], theta[at + hidden : -1], theta[-1]

    def value(theta: Vector, x: Vector, y: float) -> float:
        W, b, w, c = parts(theta)
        return float((w @ np.tanh(W @ x + b) + c - y) ** 2 / 2)

    def derivative(theta: Vector, x: Vector, y: float) -> Vector:
        W, b, w, c = parts(theta)
        a = np.tanh(W @ x + b)
        error = w @ a + c - y
        back = error * w * (1 - a**2)
        return np.concatenate([np.outer(back, x).ravel(), back, error * a, [error]])

    return Problem([(np.array(x), y) for x, y in samples], value, derivative, batches, mean=False)


# -- the four classical ones -------------------------------------------------------------------------


def gd(p: Problem, theta: Vector, eta: float = 0.1) -> Iterator[Vector]:
    while True:
        theta = theta - eta * p.gradient(theta)
        yield theta


def momentum(p: Problem, theta: Vector, eta: float = 0.1, beta1: float = 0.1) -> Iterator[Vector]:
    v = np.zeros_like(theta)
    while True:
        v = (1 - beta1) * v + beta1 * p.gradient(theta)
        theta = theta - eta * v
        yield theta


def adam(
    p: Problem, theta: Vector, eta: float = 0.1, beta1: float = 0.1, beta2: float = 0.001,
    eps: float = 1e-10, bias: bool = True,
) -> Iterator[Vector]:  # fmt: skip
    v, s, n = np.zeros_like(theta), np.zeros_like(theta), 0
    while True:
        g = p.gradient(theta)
        v = (1 - beta1) * v + beta1 * g
        s = (1 - beta2) * s + beta2 * g**2
        one, two = (1 - (1 - beta1) ** (n + 1), 1 - (1 - beta2) ** (n + 1)) if bias else (1.0, 1.0)
        theta = theta - eta * (v / one) / np.sqrt(s / two + eps)
        n += 1
        yield theta


def awb(p: Problem, theta: Vector) -> Iterator[Vector]:
    return adam(p, theta, bias=False)


# -- searches ----------------------------------------------------------------------------------------


class StepTooSmall(Exception):
    pass


def search(
    loss: Callable[[Vector], float], theta: Vector, d: Vector, now: float, drop: float, eta: float,
    f1: float, lam: float = 0.5, halvings: int = 0,
) -> float:  # fmt: skip
    """eta, eta/f1, ... until the loss falls by lam*eta*drop; with `halvings`, then a bisection of log10(eta)."""

    def good(h: float) -> bool:
        new = loss(theta - h * d)
        return bool(np.isfinite(new) and new - now <= -lam * h * drop)

    start = eta
    while not good(eta) and not eta * np.linalg.norm(d) < EPSILON:
        eta /= f1
    if eta < start and eta * np.linalg.norm(d) >= EPSILON:
        left, right = np.log10(eta), np.log10(f1 * eta)
        for _ in range(halvings):
            middle = (left + right) / 2
            left, right = (middle, right) if good(10**middle) else (left, middle)
        eta = 10**left
    return float(eta)


def lc(
    p: Problem, theta: Vector, f1: float = 2, f2: float = 1e4, eta0: float = 0.1, halvings: int = 0
) -> Iterator[Vector]:
    eta = eta0 / f2
    while True:
        g, now = p.gradient(theta), p.loss(theta)
        eta = search(p.loss, theta, g, now, g @ g, f2 * eta, f1, halvings=halvings)
        if eta * np.linalg.norm(g) < EPSILON:
            raise StepTooSmall
        theta = theta - eta * g
        yield theta


def lcd(p: Problem, theta: Vector) -> Iterator[Vector]:
    return lc(p, theta, f1=30, halvings=3)


def backtracking(p: Problem, theta: Vector, eta: float = 1) -> Iterator[Vector]:
    """while F(u - l*grad F(u)) >= F(u): l = l/2"""
    while True:
        g, now, step = p.gradient(theta), p.loss(theta), eta
        while not p.loss(theta - step * g) < now:
            step /= 2
            if step * np.linalg.norm(g) < EPSILON:
                raise StepTooSmall
        theta = theta - step * g
        yield theta

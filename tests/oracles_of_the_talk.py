"""The optimizers of the talk in plain NumPy, straight from their description, to compare with.

A problem gives `loss(theta)` and `gradient(theta)`, of all samples, and of batch i (from 0) with `i` given.
Every oracle yields theta[1], theta[2], ... for ever; `counts` of the problem say what was evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

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


# -- other directions, other Lyapunov functions ------------------------------------------------------


def lc_momentum(p: Problem, theta: Vector, b: float = 2, f2: float = 1e4) -> Iterator[Vector]:
    v, eta, lam = np.zeros_like(theta), 0.1 / f2, 1 / (4 * b)
    while True:
        g = p.gradient(theta)
        energy, eta = p.loss(theta) + v @ v / 2, min(f2 * eta, 1 / b)
        while True:
            w = (1 - b * eta) * v + eta * g
            if p.loss(theta - eta * w) + w @ w / 2 - energy <= -b * lam * eta * (w @ w):
                break
            eta /= 2
        v, theta = w, theta - eta * w
        yield theta


def lc_rmsprop(p: Problem, theta: Vector, b: float = 10, f2: float = 1e4) -> Iterator[Vector]:
    s, eta = np.zeros_like(theta), 0.1 / f2
    while True:
        g, now, eta = p.gradient(theta), p.loss(theta), min(f2 * eta, 1 / b)
        while True:
            new = (1 - b * eta) * s + b * eta * g**2
            d = g / (np.sqrt(new) + 0.1)
            if p.loss(theta - eta * d) - now <= -0.5 * eta * (d @ g):
                break
            eta /= 2
        s, theta = new, theta - eta * d
        yield theta


def lc_along(kind: str) -> Callable[[Problem, Vector], Iterator[Vector]]:
    def run(p: Problem, theta: Vector, f2: float = 1e4) -> Iterator[Vector]:
        eta = 0.1 / f2
        while True:
            g, now = p.gradient(theta), p.loss(theta)
            size = np.linalg.norm(g)
            d, drop = {
                "clipping": (min(1, 0.001 / size) * g, min(1, 0.001 / size) * size**2),
                "sign": (np.sign(g), np.abs(g).sum()),
                "normalised": (g / size, size),
            }[kind]
            eta = search(p.loss, theta, d, now, float(drop), f2 * eta, 2)
            theta = theta - eta * d
            yield theta

    return run


def euler_richardson(p: Problem, theta: Vector, eta: float = 0.1) -> Iterator[Vector]:
    while True:
        g = p.gradient(theta)
        ahead = p.gradient(theta - eta * g)
        error = 0.5 * eta * np.linalg.norm(g - ahead) / 0.01
        if error <= 1:
            theta = theta - eta * ahead
        eta *= 0.9 / np.sqrt(error)
        yield theta


def gd_em(p: Problem, theta: Vector) -> Iterator[Vector]:
    while True:
        g, now, eta = p.gradient(theta), p.loss(theta), 0.1
        while p.loss(theta - eta * g) > now:
            eta /= 1.5
        theta = theta - eta * g
        yield theta


def momentum_em(p: Problem, theta: Vector, rate: float = 0.1, beta: float = 0.1) -> Iterator[Vector]:
    v = np.zeros_like(theta)
    while True:
        g, eta, b = p.gradient(theta), rate, beta
        energy = beta / rate * p.loss(theta) + v @ v / 2
        while True:
            w = (1 - b) * v + b * g
            if beta / rate * p.loss(theta - eta * w) + w @ w / 2 <= energy:
                break
            eta, b = eta / 1.5, b / 1.5
        v, theta = w, theta - eta * w
        yield theta


# -- mini-batches: theta after every epoch -----------------------------------------------------------


def splitting(p: Problem, theta: Vector, eta: float = 0.1) -> Iterator[Vector]:
    while True:
        for i in range(len(p.batches)):
            theta = theta - eta * p.gradient(theta, i)
        yield theta


def speth(p: Problem, theta: Vector, eta: float = 0.1) -> Iterator[Vector]:
    c = np.zeros_like(theta)
    while True:
        half = theta - eta * p.gradient(theta, 0) + eta * c
        new = half - eta * p.gradient(half, 1) - eta * c
        c = c + (new + theta - 2 * half) / (2 * eta)
        theta = new
        yield theta


def rra(
    p: Problem, theta: Vector, eta: float = 0.001, b1: float = 0.1, b2: float = 0.001
) -> Iterator[Vector]:
    """theta after every batch; the batches as they stand."""
    v, s, epoch = np.zeros_like(theta), np.zeros_like(theta), 0
    while True:
        for i in range(len(p.batches)):
            g = p.gradient(theta, i)
            v, s = (1 - b1) * v + b1 * g, (1 - b2) * s + b2 * g**2
            rate = eta * np.sqrt(1 - (1 - b2) ** (epoch + 1)) / (1 - (1 - b1) ** (epoch + 1))
            theta = theta - rate * v / (np.sqrt(s) + 1e-7)
            yield theta
        epoch += 1


def search_batch(
    p: Problem, i: int, theta: Vector, now: float, eta: float, d: Vector, drop: float, halvings: int = 2
) -> float:
    return search(lambda t: p.loss(t, i), theta, d, now, drop, eta, f1=30, halvings=halvings)


def rag(p: Problem, theta: Vector, eps: float = 1e-4, low_memory: bool = False) -> Iterator[Vector]:
    """RAG, and RAGL with `low_memory`: theta after the start, then after every epoch."""
    m, P, lam, f2, eta_init = len(p.batches), len(p.samples), 0.5, 1e4, 0.1
    length, losses = np.zeros(m), np.zeros(m)
    gradients = [p.gradient(theta, i) for i in range(m)]
    for i, G in enumerate(gradients):
        losses[i] = p.loss(theta, i)
        if np.linalg.norm(G) > eps:
            eta = search_batch(p, i, theta, losses[i], eta_init, G, G @ G, 0)
            length[i] = 2 * (1 - lam) / eta
    g = np.sum(gradients, axis=0)
    W = theta
    if np.linalg.norm(g) / P <= eps:
        return
    theta = theta - 2 * (1 - lam) / length.sum() * g
    yield theta
    coeff = coeff_max = 4 * m - 1 if low_memory else 2 * m - 1
    heur, dist, diffs, eta_start, R = 1.0, 0.0, np.zeros(m), eta_init, losses.sum()
    while not (np.linalg.norm(g) / P < eps and dist / P < eps):
        seen, best, most = np.zeros_like(theta), theta, -np.inf
        if low_memory:
            diffs[:] = 0
        for i in range(m):
            new, losses[i] = p.gradient(theta, i), p.loss(theta, i)
            seen = seen + new
            if low_memory:
                g = g + new - p.gradient(W, i) if i < m - 1 else seen
            else:
                g = g + new - gradients[i]
                gradients[i] = new
            prod, size = new @ g, np.linalg.norm(new)

            along = partial(search_batch, p, i, theta, losses[i], eta_start)
            eta0 = along(new, float(new @ new)) if size > eps else eta_start
            eta = eta0
            if prod > EPSILON and i == int(np.argmax(length)) and prod < g @ g:
                eta = max(eta0, along(g, float(prod)))
            length[i] = 2 * (1 - lam) / eta if size >= eps and eta >= EPSILON else 0
            if length.sum() < EPSILON:
                step = eta_start = eta_init
            else:
                eta_start = f2 * 2 * (1 - lam) / length.max()
                step = 2 / ((1 if coeff == coeff_max else heur) * coeff * length.sum())
            diffs[i] = 2 * (1 - lam) / eta0 * step * np.linalg.norm(g) if size > eps and eta0 > EPSILON else 0
            if length[i] > most:
                most, best = length[i], theta
            theta = theta - step * g
        W, dist = best, diffs.sum()
        heur = (heur + 2) / 2 if dist < np.linalg.norm(g) else (heur + 1) / 2
        coeff = coeff / heur if losses.sum() < R else coeff_max
        R = losses.sum()
        yield theta


def _every_batch(p: Problem, theta: Vector, eta: float) -> Iterator[Vector]:
    while True:
        for i in range(len(p.batches)):
            theta = theta - eta * p.gradient(theta, i)
            yield theta


Oracle = Callable[..., Iterator[Vector]]
WHOLE: dict[str, Oracle] = {
    "GD(eta = 0.01)": lambda p, theta: gd(p, theta, 0.01),
    "Momentum": momentum,
    "AWB": awb,
    "Adam": adam,
    "LC": lc,
    "LCD": lcd,
    "backtracking": backtracking,
    "LC_Momentum": lc_momentum,
    "LC_RMSProp": lc_rmsprop,
    "LC_clipping": lc_along("clipping"),
    "LC_sign": lc_along("sign"),
    "LC_normalised": lc_along("normalised"),
    "Euler_Richardson": euler_richardson,
    "GD_Em": gd_em,
    "Momentum_Em": momentum_em,
}
"""Rules for all samples at once."""
BATCHED: dict[str, Oracle] = {
    "splitting(eta = 0.05)": lambda p, theta: splitting(p, theta, 0.05),
    "RRGD(eta = 0.05)": lambda p, theta: _every_batch(p, theta, 0.05),
    "RRA": rra,
    "RAG": rag,
    "RAGL": lambda p, theta: rag(p, theta, low_memory=True),
}
"""Rules for mini-batches, as they stand."""
TWO_BATCHES: dict[str, Oracle] = {"Speth": speth}

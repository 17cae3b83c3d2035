"""Every update rule of the library, 20 steps, against the recursion written by hand in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lowering import lowered
from netc.compiler.calculus.interpret import run
from netc.dsl import library

Array = NDArray[Any]
Path = Iterator[Array]

START = np.array([1.7, -0.6])
STEPS = 20


def grad(p: Array) -> Array:
    """Of x^2 + 3y^2 + x y."""
    return np.array([2 * p[0] + p[1], 6 * p[1] + p[0]])


def gd(eta: float) -> Path:
    p = START
    while True:
        p = p - eta * grad(p)
        yield p


def by_value(eta: float, alpha: float) -> Path:
    p = START
    while True:
        p = p - eta * np.clip(grad(p), -alpha, alpha)
        yield p


def by_norm(eta: float, alpha: float) -> Path:
    p = START
    while True:
        g = grad(p)
        length = np.sqrt((g * g).sum())
        if length >= alpha:
            g = g * (alpha / length)
        p = p - eta * g
        yield p


def momentum(keep: float, gain: float, rate: float) -> Path:
    """v = keep v + gain g; p = p - rate v."""
    p = START
    v = np.zeros(2)
    while True:
        v = keep * v + gain * grad(p)
        p = p - rate * v
        yield p


def lookahead(eta: float, alpha: float) -> Path:
    p = START
    v = np.zeros(2)
    while True:
        v = alpha * v - eta * grad(p + alpha * v)
        p = p + v
        yield p


def shifted(eta: float, alpha: float) -> Path:
    """The look-ahead point of `lookahead`, which is what libraries call the parameters."""
    q, v = START, np.zeros(2)
    while True:
        v = alpha * v - eta * grad(q + alpha * v)
        q = q + v
        yield q + alpha * v


def adagrad(eta: float, root: Callable[[Array], Array], s0: float = 0.0) -> Path:
    p = START
    s = np.full(2, s0)
    while True:
        g = grad(p)
        s = s + g * g
        p = p - eta * g / root(s)
        yield p


def rmsprop(
    eta: float, rho: float, root: Callable[[Array], Array], alpha: float = 0, ahead: float = 0
) -> Path:
    p = START
    s, v = np.zeros(2), np.zeros(2)
    while True:
        g = grad(p + ahead * v)
        s = rho * s + (1 - rho) * g * g
        v = alpha * v - eta * g / root(s)
        p = p + v
        yield p


def adam(
    eta: float, b1: float, b2: float, root: Callable[[Array], Array],
    corrected: bool = True, hat: float = 0.0, decay: float = 0.0, yogi: bool = False,
) -> Path:  # fmt: skip
    """Kingma and Ba's algorithm 1 and its relatives; t counts from 1; `hat` is eps before the correction."""
    p = START
    m, s, t = np.zeros(2), np.zeros(2), 0
    while True:
        t += 1
        g = grad(p)
        m = b1 * m + (1 - b1) * g
        s = s - (1 - b2) * np.sign(s - g * g) * g * g if yogi else b2 * s + (1 - b2) * g * g
        c1, c2 = (1 - b1**t, 1 - b2**t) if corrected else (1, 1)
        divisor = np.sqrt(s / c2) + hat / np.sqrt(c2) if hat else root(s / c2)
        p = p - eta * (m / c1) / divisor - decay * p
        yield p


def lion(eta: float, b1: float, b2: float, decay: float) -> Path:
    p = START
    m = np.zeros(2)
    while True:
        g = grad(p)
        direction = np.sign(b1 * m + (1 - b1) * g)
        m = b2 * m + (1 - b2) * g
        p = p - eta * (direction + decay * p)
        yield p


def outside(eps: float) -> Callable[[Array], Array]:
    return lambda s: np.sqrt(s) + eps


def inside(eps: float) -> Callable[[Array], Array]:
    return lambda s: np.sqrt(s + eps)


HAND: dict[str, Path] = {
    "gd(eta = 0.1)": gd(0.1),
    "clipped_gd.by_value(eta = 0.1, alpha = 0.5)": by_value(0.1, 0.5),
    "clipped_gd.by_norm(eta = 0.1, alpha = 0.5)": by_norm(0.1, 0.5),
    "momentum.ema(eta = 0.3, beta1 = 0.2)": momentum(0.8, 0.2, 0.3),
    "momentum.heavy_ball(eta = 0.05, alpha = 0.8)": momentum(0.8, 1, 0.05),
    "momentum.velocity(eta = 0.05, alpha = 0.8)": momentum(0.8, 0.05, 1),
    "momentum.double_rate(eta = 0.2, beta1 = 0.2)": momentum(0.8, 0.2, 0.2),
    "nesterov.lookahead(eta = 0.05, alpha = 0.8)": lookahead(0.05, 0.8),
    "nesterov.shifted(eta = 0.05, alpha = 0.8)": shifted(0.05, 0.8),
    "adagrad.eps_outside(eta = 0.2, eps = 0.01)": adagrad(0.2, outside(0.01)),
    "adagrad.eps_inside(eta = 0.2, eps = 0.01, s0 = 0.3)": adagrad(0.2, inside(0.01), 0.3),
    "rmsprop.eps_outside(eta = 0.05, rho = 0.9, eps = 0.01)": rmsprop(0.05, 0.9, outside(0.01)),
    "rmsprop.eps_inside(eta = 0.05, rho = 0.9, eps = 0.01)": rmsprop(0.05, 0.9, inside(0.01)),
    "rmsprop.momentum(eta = 0.02, rho = 0.9, alpha = 0.7, eps = 0)": rmsprop(0.02, 0.9, np.sqrt, 0.7),
    "rmsprop.nesterov(eta = 0.02, rho = 0.9, alpha = 0.7, eps = 0)": rmsprop(0.02, 0.9, np.sqrt, 0.7, 0.7),
    "adam.paper(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)": adam(0.1, 0.8, 0.95, outside(0.01)),
    "adam.eps_inside(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)": adam(0.1, 0.8, 0.95, inside(0.01)),
    "adam.eps_hat(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)": adam(0.1, 0.8, 0.95, np.sqrt, hat=0.01),
    "adam.talk(eta = 0.1, beta1 = 0.2, beta2 = 0.05, eps = 0.01)": adam(0.1, 0.8, 0.95, inside(0.01)),
    "adam.no_bias_correction(eta = 0.1, beta1 = 0.2, beta2 = 0.05, eps = 0.01)": adam(
        0.1, 0.8, 0.95, inside(0.01), corrected=False
    ),
    "adamw.torch(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01, lambda = 0.2)": adam(
        0.1, 0.8, 0.95, outside(0.01), decay=0.02
    ),
    "adamw.paper(eta = 0.2, beta1 = 0.8, beta2 = 0.95, eps = 0.01, lambda = 0.04, scale = 0.5)": adam(
        0.1, 0.8, 0.95, outside(0.01), decay=0.02
    ),
    "yogi.corrected(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)": adam(
        0.1, 0.8, 0.95, outside(0.01), yogi=True
    ),
    "yogi.paper(eta = 0.1, beta1 = 0.8, beta2 = 0.95, eps = 0.01)": adam(
        0.1, 0.8, 0.95, outside(0.01), corrected=False, yogi=True
    ),
    "lion.paper(eta = 0.1, beta1 = 0.8, beta2 = 0.95, lambda = 0.1)": lion(0.1, 0.8, 0.95, 0.1),
}  # fmt: skip


def trajectory(use: str, steps: int = STEPS) -> Array:
    program = lowered(f"""
objective R(x, y) = x^2 + 3*y^2 + x*y
init theta = (1.7, -0.6)
optimizer {use}
train steps = {steps}
""")
    nothing = np.zeros((1, 1))
    return run(program, START, nothing, nothing, steps).trajectory


def test_every_rule_is_here() -> None:
    """Those of libraries and papers are in `test_catalogue_rules.py`."""
    own = {n for n in library.names("optimizer") if library.shelf("optimizer", n) == "optimizers"}
    assert {use.split("(")[0] for use in HAND} == own


@pytest.mark.parametrize("use", HAND)
def test_twenty_steps(use: str) -> None:
    wanted = [START, *islice(HAND[use], STEPS)]
    np.testing.assert_allclose(trajectory(use), wanted, rtol=1e-10, atol=1e-12)


def test_the_four_momentum_forms_make_one_trajectory() -> None:
    """With constant rates, after the mapping in the comment of the library."""
    paths = [
        trajectory("momentum.heavy_ball(eta = 0.04, alpha = 0.8)"),
        trajectory("momentum.ema(eta = 0.04/0.2, beta1 = 0.2)"),
        trajectory("momentum.velocity(eta = 0.04, alpha = 0.8)"),
        trajectory("momentum.double_rate(eta = 0.2, beta1 = 0.2)"),
    ]
    for path in paths[1:]:
        np.testing.assert_allclose(path, paths[0], rtol=1e-10, atol=1e-12)


def test_first_steps_that_the_comments_promise() -> None:
    moved = {
        use: np.abs(trajectory(use, 1)[1] - START)
        for use in ("adam.paper", "adam.no_bias_correction", "adam.talk")
    }
    np.testing.assert_allclose(moved["adam.paper"], 0.001, rtol=1e-6)
    np.testing.assert_allclose(moved["adam.talk"], 0.001, rtol=1e-6)
    np.testing.assert_allclose(moved["adam.no_bias_correction"], 0.001 * np.sqrt(10), rtol=1e-4)


@pytest.mark.parametrize("family", ["momentum", "nesterov", "adam", "rmsprop", "adagrad", "adamw"])
def test_a_bare_family_stands_for_several_rules(family: str) -> None:
    members = library.variants("optimizer", family)
    assert len(members) >= 2
    bodies = [library.lookup("optimizer", name).body for name in members]  # type: ignore[union-attr]
    assert len(set(bodies)) == len(bodies)
    assert family not in library.names("optimizer")

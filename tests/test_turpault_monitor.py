"""`monitor V = ...` and the recorded shares of the deterministic benchmarks, against plain NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import netc
from netc.compiler.check.program import check
from netc.compiler.lower.program import lower
from netc.dsl.parser import parse
from netc.dsl.source import Source
from sweeps import one_in

G = {1: "z^2 - 1", 2: "2*z^3 - 3*z^2 + 5"}
ENERGY = "beta1/eta*R(theta[n]) + norm(v[n])^2/2"
POINTS = {1: [(-2, 1), (2, -1), (0, -1), (0, 1)], 2: [(0, -1), (2, -1), (-2, 1), (0, 1)]}


def benchmark(number: int, rule: str, train: str, more: str = "") -> str:
    return f"""activation g(z) = {G[number]}
objective R(w, b) = (g(w + b)^2 + g(b)^2)/4
init theta ~ uniform(-3, 3)
optimizer turpault.{rule}
train {train}
{more}
"""


def loss(theta: NDArray[np.float64]) -> float:
    return float(((theta.sum() ** 2 - 1) ** 2 + (theta[1] ** 2 - 1) ** 2) / 4)


def gradient(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = theta.sum(), theta[1]
    inner = (a**2 - 1) * a
    return np.array([inner, inner + (b**2 - 1) * b])


def test_energy_of_momentum_is_followed_as_numpy_follows_it() -> None:
    steps, eta, beta = 60, 0.1, 0.1
    starts = np.random.default_rng(5).uniform(-3, 3, (30, 2))
    text = benchmark(
        1, "Momentum", f"steps = {steps}", f"monitor V = {ENERGY}\nexpect max(V) = {{}} within 1e-12"
    )
    points = ", ".join(f"({w!r}, {b!r})" for w, b in starts.tolist())
    shares, courses = [], []
    for theta in starts:
        v, energies = np.zeros(2), []
        for _ in range(steps):
            energies.append(beta / eta * loss(theta) + v @ v / 2)
            v = (1 - beta) * v + beta * gradient(theta)
            theta = theta - eta * v
        before, after = np.array(energies[:-1]), np.array(energies[1:])
        courses.append([*energies, beta / eta * loss(theta) + v @ v / 2])
        shares.append(np.sum((after - before) / before > 0.01) / steps)
    largest = repr(float(np.max(courses, axis=0)[-1]))
    text = text.replace("~ uniform(-3, 3)", f"= {{{points}}}").replace("{}", largest)
    result = netc.compile(text).train()
    np.testing.assert_allclose(result.grows["V"], shares, atol=1e-12)
    np.testing.assert_allclose(result.history["V"], np.ravel(courses), rtol=1e-11)
    np.testing.assert_allclose(result.final["V"], np.array(courses)[:, -1], rtol=1e-11)
    assert all(verdict.holds for verdict in result.expect)
    assert max(shares) > 0


def test_what_only_the_monitor_asks_for_is_not_counted() -> None:
    alone = netc.compile(benchmark(1, "GD", "steps = 5")).train()
    watched = netc.compile(
        benchmark(1, "GD", "steps = 5", "monitor V = R(theta[n]) + norm(grad R(2*theta[n]))")
    ).train()
    assert watched.summary["evaluations"] == alone.summary["evaluations"]
    np.testing.assert_array_equal(watched.theta, alone.theta)


def test_monitored_states_belong_to_the_kernel() -> None:
    text = benchmark(1, "Momentum", "steps = 5", f"monitor V = {ENERGY}")
    rule = lower(check(parse(Source("<test>", text)), None, Path())).rule
    assert rule.watched == (("V", "V_grown"),)


def test_a_monitored_function_is_in_the_history_with_minibatches_and_where_a_run_ends() -> None:
    """Once a report, of all samples, at theta[n]; a run that a criterion ends has the value at which it ended."""
    text = """data x in linspace(-1, 1, 10) -> 3*x
network [1(dense nobias, lin)1]
init zeros
loss mse
optimizer gd(eta = 0.1)
monitor V = R(theta[n]) + n, W = norm(theta[n]), every = 1 step
train epochs = 100, batch = 4, stop = loss < 0.2
"""
    history = netc.compile(text).train().history
    assert 3 < len(history["step"]) < 300
    np.testing.assert_allclose(history["V"], history["loss_train"] + history["step"], rtol=1e-12)
    np.testing.assert_allclose(history["W"], history["theta_norm"], rtol=1e-12)


@pytest.mark.parametrize("batch", ["4", "full"])
@pytest.mark.parametrize(
    "criterion", one_in(3, ["stop = loss < 0.2", "stop = norm(theta) > 2", "diverged = loss < 0.2"])
)
def test_growth_counts_up_to_the_theta_at_which_a_run_ends(batch: str, criterion: str) -> None:
    """From 0 to 3: the norm grows in each of the iterations."""
    text = f"""data x in linspace(-1, 1, 10) -> 3*x
network [1(dense nobias, lin)1]
init zeros
loss mse
optimizer gd(eta = 0.1)
monitor V = norm(theta[n])
train epochs = 100, batch = {batch}, {criterion}
"""
    result = netc.compile(text).train()
    assert result.steps[0] < 30
    assert result.grows["V"][0] == 1


# -- the talk's figures ------------------------------------------------------------------------------

ENDS = "steps = 30000, runs = 10000, seed = 1, stop = norm(grad R) < {eps}"
RECORDED = [
    (1, "GD", "1e-7", [0.2177, 0.2078, 0.2048, 0.1892, 0.1805]),
    (1, "Momentum", "1e-7", [0, 0.1470, 0.1404, 0.3568, 0.3558]),
    (1, "AWB", "1e-7", [0, 0.1510, 0.1481, 0.3539, 0.3470]),
    (1, "Adam", "1e-7", [0, 0.2144, 0.2114, 0.2899, 0.2843]),
    (1, "LC", "1e-7", [0, 0.2181, 0.2149, 0.2861, 0.2809]),
    (2, "GD", "1e-4", [1, 0, 0, 0, 0]),
    (2, "AWB", "1e-4", [0, 0.2194, 0.1372, 0.1453, 0.4980]),
    (2, "Adam", "1e-4", [0, 0.2887, 0.2124, 0.2019, 0.2965]),
    (2, "LC", "1e-4", [0, 0.4727, 0.1861, 0.3272, 0.0140]),
]
"""Benchmark, rule, eps; shares of starts that diverge, and that end at each of POINTS."""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "rule", "eps", "shares"), RECORDED)
def test_recorded_shares_of_starts(number: int, rule: str, eps: str, shares: list[float]) -> None:
    result = netc.compile(benchmark(number, rule, ENDS.format(eps=eps))).train()
    found = [np.mean(result.diverged)]
    settled = ~np.asarray(result.diverged)
    for point in POINTS[number]:
        near = np.abs(result.theta - point).max(axis=1) < 0.05
        found.append(np.mean(near & settled))
    # Two samples of 10 000 starts: three standard errors of their difference.
    np.testing.assert_allclose(found, shares, atol=0.02)


def test_v_grows_where_gd_diverges_and_nowhere_with_lc() -> None:
    gd = netc.compile(benchmark(1, "GD", ENDS.format(eps="1e-4"), "monitor V = R(theta[n])")).train()
    assert np.mean(gd.grows["V"] > 0) == pytest.approx(0.218, abs=0.015)
    assert np.all(gd.grows["V"][gd.diverged] > 0)
    lc = netc.compile(benchmark(1, "LC", ENDS.format(eps="1e-4"), "monitor V = R(theta[n])")).train()
    assert np.all(lc.grows["V"] == 0)

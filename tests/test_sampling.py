"""Samples drawn with replacement: the law of the draws, a trajectory in NumPy, equal bits, theorem 4.1."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import netc
from netc.runtime.random import resample
from netc.runtime.random_shuffle import resample as compiled
from same_bits import require_same_bits

STEPS, BATCH, RATE = 23, 4, 0.1
TEXT = f"""
network   [2(lin)1]
init      weights = 0.5, biases = 0
loss      half_mse
optimizer gd(eta = {RATE})
train     steps = {STEPS}, batch = {BATCH}, sampling = replacement, seed = 5, runs = 3
"""


@pytest.mark.parametrize("n", [0, 1, 2, 7, 404])
def test_kernels_draw_like_numpy(n: int) -> None:
    for seed, run, epoch in ((0, 0, 0), (-5, 9, 3), (2**40 + 1, 9, 2**33 + 1)):
        order = np.full(n, -1)
        compiled(order, seed, run, epoch)
        np.testing.assert_array_equal(order, resample(n, seed, run, epoch))
        assert ((order >= 0) & (order < n)).all()


def test_all_samples_are_equally_likely_and_draws_independent() -> None:
    """Also draws that stand beside each other, and those of epochs and runs that follow each other."""
    drawn = np.array([[resample(6, 11, run, epoch) for epoch in range(1000)] for run in range(2)])
    assert stats.chisquare(np.bincount(drawn.ravel(), minlength=6)).pvalue > 0.01
    pairs = (drawn[..., :-1], drawn[..., 1:]), (drawn[:, :-1], drawn[:, 1:]), (drawn[0], drawn[1])
    for first, second in pairs:
        assert stats.chisquare(np.bincount((6 * first + second).ravel(), minlength=36)).pvalue > 0.01
    peer = np.random.default_rng(1).integers(0, 50, (4000, 50))
    ours = [resample(50, 3, 0, epoch) for epoch in range(4000)]
    shares = [[len(set(order.tolist())) for order in orders] for orders in (ours, list(peer))]
    assert stats.ks_2samp(*shares).pvalue > 0.01


@pytest.fixture(scope="module")
def trained() -> tuple[netc.Model, tuple, netc.Result]:
    rng = np.random.default_rng(0)
    given = rng.normal(size=(10, 2)), rng.normal(size=(10, 1))
    model = netc.compile(TEXT)
    return model, given, model.train(*given, threads=1)


def test_a_trajectory_of_numpy(trained: tuple) -> None:
    """10 samples in batches of 4, 4 and 2: an epoch is 10 draws."""
    _, (x, y), result = trained
    for run in range(3):
        theta = np.array([0.5, 0.5, 0])
        for step in range(STEPS):
            epoch, batch = divmod(step, 3)
            chosen = resample(10, 5, run, epoch)[4 * batch : 4 * batch + 4]
            w, b = theta[:2], theta[2]
            error = x[chosen] @ w + b - y[chosen, 0]
            theta = theta - RATE * np.append(error @ x[chosen], error.sum()) / len(chosen)
        np.testing.assert_allclose(result.theta[run], theta, rtol=1e-12, atol=1e-14)


def test_the_same_bits_however_it_is_cut(trained: tuple) -> None:
    model, given, _ = trained
    require_same_bits(model, given, (5, 10))


@pytest.mark.slow
def test_theorem_4_1() -> None:
    """u = w on n numbers y of variance s2, one a step: E(grad R)^2 is eta*s2/(2 - eta) where they are drawn with
    replacement, below the theorem's eta*beta*s2; of permutations, at the end of an epoch, v/(1 - (1 - eta)^(2n)) with the
    variance v of a sum of all of y - mean(y) in random order with weights eta*(1 - eta)^k."""
    n, eta, runs = 50, 0.005, 4000
    y = np.random.default_rng(2).normal(size=(n, 1))
    s2 = y.var()
    weights = eta * (1 - eta) ** np.arange(n)
    v = s2 * n / (n - 1) * (weights @ weights - weights.sum() ** 2 / n)
    wanted = {
        "replacement": eta * s2 / (2 - eta),
        "permutation": v / (1 - (1 - eta) ** (2 * n)),
    }
    assert wanted["replacement"] / wanted["permutation"] > 180
    for sampling, expected in wanted.items():
        model = netc.compile(
            "network [1(dense nobias) 1]\ninit weights = 1, biases = 0\nloss half_mse\n"
            f"optimizer gd(eta = {eta})\n"
            f"train epochs = 60, batch = 1, seed = 1, runs = {runs}, sampling = {sampling}"
        )
        found = (model.train(np.ones((n, 1)), y).theta[:, 0] - y.mean()) ** 2
        assert abs(found.mean() - expected) < 4 * found.std() / runs**0.5

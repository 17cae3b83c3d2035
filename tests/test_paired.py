"""Paired differences: the interval against SciPy's binomial law and by counting, in the table of a sweep against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import netc
from netc.runtime.results.paired import difference, rank_of


@pytest.mark.parametrize("count", [2, 5, 6, 7, 10, 17, 30, 101])
def test_the_ranks_are_those_of_the_sign_test(count):
    """The probability that the median lies outside, on both sides together, is 5 % at most, and more with the next rank."""
    outside = [2 * stats.binom.cdf(rank - 1, count, 0.5) for rank in (rank_of(count), rank_of(count) + 1)]
    assert outside[0] <= 0.05 < outside[1]
    assert (rank_of(count) == 0) == (count < 6)


def test_the_interval_holds_the_median_as_often_as_it_says():
    """Of 2000 skewed samples of 12, whose median is 0: the coverage is the binomial law's, within four of its errors."""
    samples = np.random.default_rng(1).exponential(size=(2000, 12)) - math.log(2)
    held = [low <= 0 <= high for low, high in (difference(row, np.zeros(12)).interval for row in samples)]
    stated = 1 - 2 * stats.binom.cdf(rank_of(12) - 1, 12, 0.5)
    assert abs(np.mean(held) - stated) < 4 * math.sqrt(stated * (1 - stated) / 2000)


def test_lost_runs_are_the_worst():
    lost = np.array([np.inf, np.inf, 1.0, 2.0, np.inf, np.inf, np.inf])
    found = difference(lost, np.array([np.inf, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]))
    assert found.median == np.inf
    assert found.interval == (0.0, np.inf)
    assert found.pairs == 7
    assert difference(lost[:2], lost[:2]).median == 0


def test_the_table_of_a_sweep_pairs_runs_from_the_same_start():
    text = """
objective R(x, y) = a*x^2 + y^4
init      theta ~ uniform(-2, 2)
optimizer gd(eta = 0.1)
train     steps = 5, runs = 4
sweep     eta in {0.05, 0.02, 0.07}, seed in {4, 5}
"""
    found = netc.compile(text.replace("a*", "1*")).sweep()
    losses = {
        eta: np.concatenate([p.result.loss_train for p in found.points if p.values[0].value == eta])
        for eta in (0.05, 0.02, 0.07)
    }
    best = found.best["eta"]
    assert "difference" not in found.table[0]
    for row in found.table[1:]:
        apart = losses[row["eta"]] - losses[best]
        assert row["difference"]["median"] == pytest.approx(np.median(apart), rel=1e-15)
        assert row["difference"]["interval"] == [apart.min(), apart.max()]  # of eight: the outermost
        assert row["difference"]["pairs"] == 8
        # a statement about pairs, not about medians
        assert np.median(apart) != np.median(losses[row["eta"]]) - np.median(losses[best])


def test_many_pairs_have_an_interval() -> None:
    """Of 4000, whose 2^4000 is no float; the normal law is near."""
    expected = stats.binom.ppf(0.025, 4000, 0.5)
    assert abs(rank_of(4000) - expected) <= 1

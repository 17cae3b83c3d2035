"""The order of an epoch by all threads of a team, permuted or drawn, under the checker of races: the CPU's order."""

from __future__ import annotations

import numpy as np
import pytest

from cuda_races import Machine
from netc.runtime.random import Purpose, permutation, resample
from sweeps import one_in

KERNEL = """
from numba import cuda, float64

from netc.runtime.devices.cuda_shuffle import block_{how}, grid_{how}

@cuda.jit()
def advance(order, places, key, run, epoch, partials, turns):
    sums = cuda.shared.array({threads}, float64)
    {shape}_{how}(order, places, key, run, epoch, sums, partials, turns)
"""
TEAMS = [("block", 1, 1), ("block", 1, 4), ("block", 1, 32), ("grid", 1, 2), ("grid", 3, 8)]


def shuffled(
    shape: str, blocks: int, threads: int, samples: int, key: int, run: int, epoch: int, how: str = "shuffle"
) -> np.ndarray:
    order = np.arange(samples)[::-1].copy()  # of the epoch before
    given = {
        "order": order, "places": np.zeros(2 * samples, np.int32), "key": key, "run": run, "epoch": epoch,
        "partials": np.zeros(blocks), "turns": np.zeros(1, np.int64),
    }  # fmt: skip
    text = KERNEL.format(threads=threads, shape=shape, how=how)
    assert Machine().launch(text, blocks, threads, given, ("places", "partials")) == []
    return order


@pytest.mark.parametrize("samples", one_in(7, [29, 0, 1, 2, 3, 4, 5, 404]))
@pytest.mark.parametrize("team", TEAMS)
def test_any_team_finds_the_order_of_the_cpu(team: tuple[str, int, int], samples: int) -> None:
    for key, run, epoch in ((0, 0, 0), (2**40 + samples, 3, 17)):
        expected = permutation(samples, key, run, Purpose.SHUFFLE, epoch)
        assert shuffled(*team, samples, key, run, epoch).tolist() == expected.tolist()
        drawn = resample(samples, key, run, epoch)
        assert shuffled(*team, samples, key, run, epoch, "resample").tolist() == drawn.tolist()


@pytest.mark.sweep
def test_words_of_no_use_are_left_out() -> None:
    """In this epoch steps 1010 and 17454 of 20000 draw again: 1 in 2^32/bound does."""
    expected = permutation(20_000, 0, 0, Purpose.SHUFFLE, 1082)
    assert (shuffled("grid", 2, 4, 20_000, 0, 0, 1082) == expected).all()


def test_chains_and_lists_are_short() -> None:
    """What threads follow in a row, over a hundred orders of 3000 and one of a million: some ln n."""
    random = np.random.default_rng(1)
    for samples, orders in ((3000, 100), (1_000_000, 1)):
        for _ in range(orders):
            drawn = (random.random(samples) * np.arange(1, samples + 1)).astype(np.int64)
            steps = np.arange(samples)
            parent = np.full(samples, samples)
            moving = drawn != steps  # a step that swaps a place with itself moves nothing
            np.minimum.at(parent, drawn[moving], steps[moving])
            depth = np.zeros(samples + 1, np.int64)
            for place in range(samples - 1, -1, -1):
                depth[place] = 1 + depth[parent[place]] if parent[place] < samples else 0
            longest = np.bincount(drawn).max()
            assert depth.max() < 3.5 * np.log(samples)
            assert longest < 3.5 * np.log(samples)

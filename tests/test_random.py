"""Philox against Random123's published vectors; laws against the standard library; the compiled shuffle."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from netc.runtime import random_draws
from netc.runtime.random import Purpose, normal, normal_quantile, of_layer, permutation, philox, uniform
from netc.runtime.random_shuffle import shuffle

# Random123, tests/kat_vectors, the lines "philox4x32 10": counter, key, result
KNOWN = [
    ([0] * 4, (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, (0xFFFFFFFF, 0xFFFFFFFF), [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        (0xA4093822, 0x299F31D0),
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_known_answers(counter: list[int], key: tuple[int, int], result: list[int]) -> None:
    assert philox(np.array(counter, np.uint64)[:, None], key)[:, 0].tolist() == result


@pytest.mark.parametrize("law", [uniform, normal])
def test_a_number_depends_on_its_place_alone(law) -> None:
    whole = law(5, 3, Purpose.INIT, 1001)
    for first, size in ((0, 1), (0, 1000), (1, 1), (501, 77), (1000, 1), (7, 0)):
        np.testing.assert_array_equal(law(5, 3, Purpose.INIT, size, first=first), whole[first : first + size])
    others = [law(6, 3, Purpose.INIT, 1001), law(5, 4, Purpose.INIT, 1001), law(5, 3, Purpose.SPLIT, 1001)]
    others.append(law(5 + 2**32, 3, Purpose.INIT, 1001))
    for other in others:
        assert not np.any(other == whole)


def test_laws() -> None:
    u = uniform(1, 0, Purpose.INIT, 50_000)
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 0.01
    assert stats.kstest(normal(1, 0, Purpose.INIT, 50_000), "norm").pvalue > 0.01
    np.testing.assert_array_equal(u * 2.0**53 % 1, 0)
    assert np.any(u * 2.0**52 % 1)  # all 53 bits are used


def test_normal_quantile_against_the_standard_library() -> None:
    p = np.concatenate([np.arange(1, 2000) / 2000, 2.0 ** -np.arange(2, 54), 1 - 2.0 ** -np.arange(2, 53)])
    expected = [statistics.NormalDist().inv_cdf(v) for v in p]
    np.testing.assert_allclose(normal_quantile(p), expected, rtol=4e-15, atol=1e-15)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 404, 5000])
def test_kernels_shuffle_like_numpy(n: int) -> None:
    for seed, run, epoch in itertools.product((0, -5, 2**40 + 1), (0, 9), (0, 3)):
        order = np.full(n, -1)
        shuffle(order, seed, run, epoch)
        expected = permutation(n, seed, run, Purpose.SHUFFLE, epoch)
        np.testing.assert_array_equal(order, expected)
        assert sorted(order) == list(range(n))


def test_all_permutations_are_equally_likely() -> None:
    counts = dict.fromkeys(itertools.permutations(range(4)), 0)
    order = np.zeros(4, np.int64)
    for epoch in range(12_000):
        shuffle(order, 11, 0, epoch)
        counts[tuple(order.tolist())] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 0.01


def test_no_numba_for_numbers_alone() -> None:
    code = "import sys, netc.runtime.random; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


LAWS = {"bernoulli": (0.3,), "uniform": (-1.0, 3.0), "normal": (2.0, 0.5)}
KEY = (5 + 2**40, 3, 17, 2)
"""Seed, run, iteration, number of the draw."""


@pytest.mark.parametrize("law", LAWS)
def test_what_layers_draw_follows_its_law(law) -> None:
    drawn = of_layer(law, LAWS[law], 50, KEY, np.arange(2000)).ravel()
    match law:
        case "bernoulli":
            assert set(drawn) == {0, 1}
            assert stats.binomtest(int(drawn.sum()), drawn.size, 0.3).pvalue > 1e-3
        case "uniform":
            assert stats.kstest(drawn, stats.uniform(-1, 4).cdf).pvalue > 1e-3
        case "normal":
            assert stats.kstest(drawn, stats.norm(2, 0.5).cdf).pvalue > 1e-3


def test_draws_of_layers_are_independent() -> None:
    """Of different seeds, runs, iterations and numbers, of samples and of elements; the same where none of these differs."""
    others = [(KEY[0] + 1, *KEY[1:]), (KEY[0] - 2**32, *KEY[1:])]
    others += [(*KEY[:i], KEY[i] + 1, *KEY[i + 1 :]) for i in (1, 2, 3)]
    masks = [of_layer("bernoulli", (0.5,), 40, key, np.arange(1000)) - 0.5 for key in (KEY, *others)]
    masks += [masks[0][1:], masks[0][:, 1:]]
    for mask in masks[1:]:
        share = (masks[0][: mask.shape[0], : mask.shape[1]] == mask).mean()
        assert abs(share - 0.5) < 4 * 0.5 / mask.size**0.5
    np.testing.assert_array_equal(of_layer("bernoulli", (0.5,), 40, KEY, np.arange(1000)) - 0.5, masks[0])


@pytest.mark.parametrize("law", LAWS)
def test_kernels_draw_the_same_bits(law) -> None:
    """By the samples' own numbers, wherever they stand in a batch; nothing is written beside them."""
    order = np.random.default_rng(0).permutation(5000)
    draw = getattr(random_draws, f"draw_{law}")
    for size in (1, 2, 3, 4, 7):
        out = np.full(size * 64, 9.0)
        draw(out, 0, 64, size, order, 100, 37, 1, *KEY, *LAWS[law])
        rows = out.reshape(size, 64)
        np.testing.assert_array_equal(rows[:, :37].T, of_layer(law, LAWS[law], size, KEY, order[100:137]))
        assert (rows[:, 37:] == 9).all()
        draw(out, 0, 1, size, order, 100, 1, 0, *KEY, *LAWS[law])
        np.testing.assert_array_equal(
            out[:size], of_layer(law, LAWS[law], size, KEY, np.zeros(1, np.int64))[0]
        )

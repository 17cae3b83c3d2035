"""Bits of a network with convolutions, batch norm and dropout: the same for any number of threads, for any cut into calls,
after a resume; states, draws and numbers by schedule included."""

from __future__ import annotations

import numpy as np
import pytest

import netc

TEXT = """
block     res(c) = x + [c (conv 3x3 same nobias, lecture.batchnorm, relu) c (dropout.inverted(rate*l/L))]
network   [4x4x1 (conv 3x3 same, relu) 3 (res) x 2 (droppath 0.2) (globalavgpool) (softmax) 3]
init      glorot_uniform
loss      cross_entropy
optimizer torch.Adam(lr = 0.01)
schedule  rate = 0.5/(1 + epoch) until 2, 0.1
train     steps = 12, batch = 8, seed = 3, runs = 3
"""
STEPS = 12


@pytest.fixture(scope="module")
def whole() -> tuple[netc.Model, tuple, netc.Result]:
    model = netc.compile(TEXT)
    rng = np.random.default_rng(0)
    given = rng.normal(size=(30, 16)), rng.integers(0, 3, 30)
    return model, given, model.train(*given, steps=STEPS, threads=1)


def same(found: netc.Result, expected: netc.Result) -> None:
    np.testing.assert_array_equal(found.theta, expected.theta)
    np.testing.assert_array_equal(found.states, expected.states)
    np.testing.assert_array_equal(found.loss_train, expected.loss_train)


@pytest.mark.sweep
def test_threads(whole: tuple) -> None:
    model, given, expected = whole
    assert np.unique(expected.theta, axis=0).shape == expected.theta.shape
    assert np.abs(expected.states).max() > 0
    same(model.train(*given, steps=STEPS, threads=2), expected)


@pytest.mark.sweep
def test_a_run_alone(whole: tuple) -> None:
    model, given, expected = whole
    alone = model.train(*given, steps=STEPS, runs=1)
    np.testing.assert_array_equal(alone.theta[0], expected.theta[0])
    np.testing.assert_array_equal(alone.states[0], expected.states[0])


@pytest.mark.sweep
@pytest.mark.parametrize("cut", [1, 5])
def test_resumed(whole: tuple, cut: int) -> None:
    """4 batches an epoch, and the order is shuffled: a cut inside of an epoch, twice."""
    model, given, expected = whole
    first = model.train(*given, steps=cut)
    second = model.train(*given, steps=cut + 4, resume=first.checkpoint)
    same(model.train(*given, steps=STEPS, resume=second.checkpoint), expected)

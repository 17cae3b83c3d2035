"""Arrays that are given again: what was made of them serves again, and never where anything differs."""

import copy
import pickle

import numpy as np
import pytest

import netc
from netc.runtime.training import sample_layout

TEXT = """
network [2(tanh)3(lin)1]
loss half_mse
init xavier_uniform
optimizer gd(eta = 0.1)
train epochs = 3
"""
X = np.random.default_rng(0).normal(size=(20, 2))
Y = X @ [1.0, -2.0]


@pytest.fixture
def laid(monkeypatch):
    """How often samples were laid out."""
    counted, columns = [], sample_layout._columns

    def watched(*arguments):
        counted.append(1)
        return columns(*arguments)

    monkeypatch.setattr(sample_layout, "_columns", watched)
    return counted


def anew(x, y, **options):
    """By a model that has seen nothing."""
    return netc.compile(TEXT).train(x, y, **options).theta


def test_a_loop_over_seeds_lays_out_once(laid):
    model = netc.compile(TEXT)
    for seed in range(3):
        assert np.array_equal(model.train(X.copy(), Y.copy(), seed=seed).theta, anew(X, Y, seed=seed))
    mine = len(laid) - 3 * 2
    assert mine == 2, "inputs and targets, once"


@pytest.mark.parametrize("change", [
    lambda x, y: x.__setitem__((3, 1), 9.0),
    lambda x, y: y.__setitem__(5, -7.0),
], ids=["an input", "a target"])  # fmt: skip
def test_arrays_that_were_written_to_are_other_data(change):
    model, x, y = netc.compile(TEXT), X.copy(), Y.copy()
    first = model.train(x, y).theta
    change(x, y)
    second = model.train(x, y).theta
    assert not np.array_equal(first, second)
    assert np.array_equal(second, anew(x, y))
    assert np.array_equal(model.train(X, Y).theta, first)


@pytest.mark.sweep
def test_other_numbers_of_samples_types_and_settings_are_told_apart():
    model = netc.compile(TEXT)
    for x, y in (
        (X, Y),
        (X[:10], Y[:10]),
        (X, Y[:, None]),
        (X.astype(np.float32), Y),
        (X.tolist(), Y.tolist()),
    ):
        assert np.array_equal(model.train(x, y).theta, anew(x, y))
    for options in (
        {"precision": "f32"},
        {"batch": 4},
        {"precision": "f64"},
        {"batch": 4, "precision": "f32"},
    ):
        assert np.array_equal(model.train(X, Y, **options).theta, anew(X, Y, **options))


def test_integers_that_turn_into_numbers_stay_what_they_are():
    """1 and 1.0 are the same input, but not the same label."""
    text = (
        TEXT.replace("1]", "1(sigmoid)]")
        .replace("half_mse", "binary_cross_entropy")
        .replace("(lin)1(sigmoid)", "(sigmoid)1")
    )
    codes = np.arange(20) % 2
    model = netc.compile(text)
    model.train(X, codes)
    again = model.train(X, codes.astype(np.float64))
    assert np.array_equal(again.theta, netc.compile(text).train(X, codes.astype(np.float64)).theta)


def test_what_was_made_is_not_pickled():
    model = netc.compile(TEXT)
    before = len(pickle.dumps(model))
    model.train(X, Y)
    kept = pickle.dumps(model)
    assert len(kept) < before + 3 * (X.nbytes + Y.nbytes) + 5000
    assert np.array_equal(pickle.loads(kept).predict(X), model.predict(X))
    assert np.array_equal(copy.deepcopy(model).train(X, Y).theta, model.train(X, Y).theta)


@pytest.mark.sweep
def test_what_is_refused_is_refused_again():
    scaled = netc.compile(TEXT, precision="f32")
    assert scaled.train(X, Y).theta.dtype == np.float32
    with pytest.raises(netc.SpecError, match="beyond the largest"):
        scaled.train(1e39 * X, Y)
    with pytest.raises(netc.SpecError, match="beyond the largest"):
        scaled.train(1e39 * X, Y, seed=4)


class Guarded:
    """As a tensor of PyTorch that wants a gradient: it has an array, and gives none."""

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise RuntimeError("use detach() first")


@pytest.mark.parametrize("as_x", [True, False])
def test_an_object_that_gives_no_array_is_refused_in_its_own_words(as_x: bool) -> None:
    given = (Guarded(), [1.0, 2.0]) if as_x else ([[1.0], [2.0]], Guarded())
    model = netc.compile(
        "data given, scale = zscore\nnetwork [1(lin)1]\ninit zeros\nloss mse\noptimizer gd(eta = 0.1)\ntrain epochs = 1\n"
    )
    with pytest.raises(
        netc.SpecError, match=r"E0614.*NumPy makes no array of a Guarded: use detach\(\) first"
    ):
        model.train(*given)
    model.train([[1.0], [2.0]], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"NumPy makes no array of a Guarded: use detach\(\) first"):
        model.predict(Guarded())

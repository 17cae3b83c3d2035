"""Scaling against scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from netc.compiler.meaning.spec import Scaling
from netc.runtime.data.scaling import Scaler, one_hot

VALUES = np.random.default_rng(0).normal(3.0, 10.0, (50, 4))
OTHERS = np.random.default_rng(1).normal(3.0, 10.0, (20, 4))


@pytest.mark.parametrize(("scaling", "peer"), [("zscore", StandardScaler), ("minmax", MinMaxScaler)])
def test_as_scikit_learn(scaling: Scaling, peer: type) -> None:
    expected = peer().fit(VALUES)
    scaler = Scaler.fit(VALUES, scaling)
    for values in (VALUES, OTHERS):
        np.testing.assert_allclose(scaler.apply(values), expected.transform(values), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(scaler.invert(scaler.apply(values)), values, rtol=1e-13)


def test_none_changes_no_bit() -> None:
    np.testing.assert_array_equal(Scaler.fit(VALUES, "none").apply(OTHERS), OTHERS)


def test_factor() -> None:
    pixels = np.arange(256.0)[:, None]
    scaled = Scaler.fit(pixels, "none", 1 / 255).apply(pixels)
    np.testing.assert_array_equal(scaled, pixels / 255)


@pytest.mark.parametrize("scaling", ["zscore", "minmax"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e100, -7.0])
def test_constant_columns_stay_finite(scaling: Scaling, constant: float) -> None:
    values = np.full((7, 1), constant)
    scaler = Scaler.fit(values, scaling)
    np.testing.assert_array_equal(scaler.apply(values), np.zeros((7, 1)))
    np.testing.assert_array_equal(scaler.invert(np.zeros((7, 1))), values)


def test_to_arrays_and_back() -> None:
    scaler = Scaler.fit(VALUES, "zscore")
    stored = scaler.as_arrays("inputs")
    assert sorted(stored) == ["inputs.divisor", "inputs.shift"]
    np.testing.assert_array_equal(Scaler.from_arrays(stored, "inputs").apply(OTHERS), scaler.apply(OTHERS))


def test_one_hot() -> None:
    assert one_hot(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]

"""Scaling of columns, and codes of classes. Which part trains is for the caller to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import Scaling

Array = NDArray[np.float64]
DOUBLE = 2.0**-52
"""From 1 to the next number of float64."""
ROUNDINGS, DOUBLES = 10, 100
"""What a computation leaves of a constant: ten roundings of its type, and two of the sixteen digits of float64."""


@dataclass(frozen=True, eq=False)
class Scaler:
    """scaled = (raw - shift)/divisor, column by column.

    zscore  shift is the mean, divisor the population standard deviation (ddof = 0, as scikit-learn's
            StandardScaler has it, not the sample deviation of R's scale())
    minmax  shift is the least value, divisor the range: the training part fills [0, 1]
    none    raw * factor (`scale = 1/255`)

    A constant column is only shifted, so that it stays finite (and becomes 0); one that is constant up to rounding is
    divided by its size as well, so that nothing is made of its last digits. Of values above 1e154 the squares are
    infinite, and so is the divisor.
    """

    shift: Array
    """(C,)"""
    divisor: Array
    """(C,), nowhere 0"""

    @classmethod
    def fit(
        cls,
        values: Array,
        scaling: Scaling,
        factor: float = 1.0,
        rounding: float = DOUBLE,
        weights: Array | None = None,
    ) -> Self:
        """Of the training part, (N, C) with N >= 1; `rounding` is that of the type in which it came. With `weights` (N,) the
        mean and the deviation are those of the weighted samples; samples of weight 0 are not there."""
        width = values.shape[1]
        if scaling == "none":
            return cls(np.zeros(width), np.full(width, 1.0 / factor))
        if weights is not None:
            values, weights = values[weights > 0], weights[weights > 0]
        with np.errstate(over="ignore", invalid="ignore"):
            low, spread = values.min(axis=0), np.ptp(values, axis=0)
            middle, deviation = values.mean(axis=0), values.std(axis=0)
            if weights is not None:
                middle = np.average(values, axis=0, weights=weights)
                deviation = np.sqrt(np.average((values - middle) ** 2, axis=0, weights=weights))
        shift, divisor = (low, spread) if scaling == "minmax" else (middle, deviation)
        divisor = np.where(divisor == 0, spread, divisor)  # the squares of values below 1e-162 are 0
        constant = constant_columns(values, rounding)
        size = np.where(spread == 0, 1.0, abs(values).max(axis=0))
        return cls(np.where(constant, low, shift), np.where(constant, size, divisor))

    def apply(self, raw: Array) -> Array:
        """(N, C) raw -> scaled."""
        return (raw - self.shift) / self.divisor

    def invert(self, scaled: Array) -> Array:
        """(N, C) scaled -> raw."""
        return scaled * self.divisor + self.shift

    def as_arrays(self, prefix: str) -> dict[str, Array]:
        """What is stored with a model: `{prefix}.shift` and `{prefix}.divisor`."""
        return {f"{prefix}.shift": self.shift, f"{prefix}.divisor": self.divisor}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], prefix: str) -> Self:
        """The inverse of `as_arrays`."""
        return cls(arrays[f"{prefix}.shift"], arrays[f"{prefix}.divisor"])


def constant_columns(values: Array, rounding: float = DOUBLE) -> NDArray[np.bool_]:
    """(C,) whether a column (N, C) has one value only, up to rounding relative to its size.

    The spread decides: rounding gives a constant column of 0.1 a deviation of 1e-17. Whole numbers are exact.
    """
    low, high = values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64)
    with np.errstate(over="ignore"):
        spread, size = high - low, np.maximum(abs(low), abs(high))
    relative = max(ROUNDINGS * rounding, DOUBLES * DOUBLE) if rounding else 0.0
    found: NDArray[np.bool_] = spread <= relative * size
    for column in np.flatnonzero(found & (spread > 0) & (size < 2.0**53)):
        found[column] = (values[:, column] != np.round(values[:, column])).any()
    return found


def one_hot(codes: NDArray[np.int64], classes: int) -> Array:
    """(N,) codes in 0..classes-1 -> (N, classes)."""
    return np.eye(classes)[codes]

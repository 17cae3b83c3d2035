"""Small functions that generated kernels call; compiled into them."""

from __future__ import annotations

import numpy as np
from numba import njit

from netc.runtime.random_shuffle import resample, shuffle

__all__ = ["columns", "flat", "isfinite", "resample", "shuffle"]


@njit(inline="always")
def flat(array):  # type: ignore[no-untyped-def]
    """The numbers of a C-contiguous array in one row; a view."""
    return array.reshape(array.size)


@njit(inline="always")
def columns(array):  # type: ignore[no-untyped-def]
    """Distance between two rows of a C-contiguous matrix."""
    return array.shape[1]


@njit(inline="always")
def isfinite(value):  # type: ignore[no-untyped-def]
    return np.isfinite(value)

"""A training has the same bits however it is cut, for any number of threads, and of a run alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import netc


def require_same_bits(model: netc.Model, given: Sequence[Any], ends: tuple[int, int]) -> None:
    """Of several runs from starts of their own, as the model's file says; `ends`: the steps after which it is cut."""
    whole = model.train(*given, threads=1).theta
    assert len(np.unique(whole[:, 0])) == len(whole) > 1
    first = model.train(*given, steps=ends[0])
    second = model.train(*given, steps=ends[1], resume=first.checkpoint)
    np.testing.assert_array_equal(model.train(*given, resume=second.checkpoint).theta, whole)
    np.testing.assert_array_equal(model.train(*given, threads=2).theta, whole)
    np.testing.assert_array_equal(model.train(*given, runs=1).theta[0], whole[0])

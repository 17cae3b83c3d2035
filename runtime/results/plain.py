"""Figures as plain numbers, texts and lists, as JSON has them: one run's, or the spread of several."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from netc.runtime.parameters import Array


def spread(values: Array) -> dict[str, Any]:
    """The figures of several runs, of the finite ones; quartiles by linear interpolation."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {"median": None, "min": None, "max": None, "quartiles": [None, None]}
    low, median, high = np.quantile(finite, [0.25, 0.5, 0.75]).tolist()
    ends = {"min": finite.min().item(), "max": finite.max().item()}
    return {"median": median, **ends, "quartiles": [low, high]}


def figure(values: Array) -> Any:
    return plain(values[0].item()) if len(values) == 1 else spread(values)


def plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [plain(v) for v in value] if isinstance(value, list) else value

"""The scaling of a data set's inputs, fitted on its training part, some columns at a time. Scales nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.columns import require_scalable
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.scaling import Scaler

COLUMNS = 8
"""Whose scaling is fitted in one go; more than one, since NumPy adds up a single column in another order."""


def fit_inputs(data: Dataset, spec: DataSpec) -> Scaler:
    """SpecError where a column is too large for its mean or spread to be finite."""
    x, train = data.x, data.train
    rows = slice(None) if len(train) == len(x) else train
    width = x.shape[1]
    # the last piece has up to twice as many
    edges = [*range(0, max(width - COLUMNS + 1, 1), COLUMNS), width]
    settings = spec.scale, spec.factor, data.rounding, data.trained_weights
    pieces = [
        # float64, and in rows: sums hang on the type and on the order in memory
        Scaler.fit(np.ascontiguousarray(x[rows, low:high], dtype=np.float64), *settings)
        for low, high in pairwise(edges)
    ]
    scaler = Scaler(
        np.concatenate([piece.shift for piece in pieces]),
        np.concatenate([piece.divisor for piece in pieces]),
    )
    require_scalable(scaler, data.input_names, spec, "scale")
    return scaler

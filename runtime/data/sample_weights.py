"""Weights of samples: a column that is neither input nor target. Until the parts of the data are made it stands behind the
inputs, so that what happens to rows happens to it. What a loss does with them is `lower/network.py`'s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import GIVEN_WEIGHTS, DataSpec
from netc.runtime.data.errors import data_error
from netc.runtime.data.named_sets import Parts
from netc.runtime.data.scaling import Array
from netc.runtime.data.table import Table, from_array
from netc.runtime.data.whole_numbers import require_exact_array

Choose = Callable[[Table | Parts], Parts]


def behind_inputs(read: Table | Parts, at: int, choose: Choose) -> Parts:
    """What `choose` makes of the data without column `at`, and that column behind the inputs."""
    table = read.inputs if isinstance(read, Parts) else read
    others = [i for i in range(len(table.columns)) if i != at]
    index = frozenset(i - (i > at) for i in table.index if i != at)
    rest = replace(table.select(others), index=index)
    chosen = choose(replace(read, inputs=rest) if isinstance(read, Parts) else rest)
    return replace(chosen, inputs=beside(chosen.inputs, table.select([at])))


def beside(inputs: Table, column: Table) -> Table:
    """The inputs and one more column."""
    width = len(inputs.columns)
    text = {**inputs.text, **({width: column.text[0]} if column.text else {})}
    values = np.column_stack([inputs.values, column.values])
    return replace(inputs, columns=(*inputs.columns, *column.columns), values=values, text=text)


def with_given(read: Table | Parts, weights: Any) -> Table | Parts:
    """The data of a Python caller with the weights, (N,), that came beside them; None: all are 1. Raises ValueError."""
    table = read.inputs if isinstance(read, Parts) else read
    samples = len(table.values)
    numbers = np.ones(samples) if weights is None else np.asarray(weights)
    if numbers.dtype.kind not in "biuf" or numbers.shape not in ((samples,), (samples, 1)):
        message = f"sample_weight holds one number for each of the {samples} samples"
        raise ValueError(f"{message}, not an array of shape {numbers.shape} of {numbers.dtype}")
    require_exact_array("sample_weight", weights if weights is not None else numbers)
    column = from_array("sample_weight", numbers.reshape(-1, 1).astype(np.float64), GIVEN_WEIGHTS)
    put = replace(beside(table, column), index=table.index)
    return replace(read, inputs=put) if isinstance(read, Parts) else put


def require_weights(weights: Array, train: NDArray[np.int64], table: Table, spec: DataSpec) -> None:
    """Refuses what is no weight, and a training part without any."""
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    where = dict(spec.spans).get("weights", spec.span)
    name = "sample_weight" if spec.weights == GIVEN_WEIGHTS else f"column '{spec.weights}'"
    if len(bad):
        first = int(bad[0])
        row = table.row(first) if first < len(table.values) else first + 1
        message = f"{name}, row {row}: the weight is {weights[first]:g}; weights are numbers from 0 on"
        raise data_error("E0650", message, where)
    if not weights[train].any():
        raise data_error("E0650", f"{name}: all samples that train have the weight 0", where)

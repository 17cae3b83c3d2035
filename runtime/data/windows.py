"""`window = 20`: a table in the order of time -> a sample for each row that has so many before it. Chooses no columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.errors import count, data_error
from netc.runtime.data.named_sets import Parts
from netc.runtime.data.table import Table


def windowed(parts: Parts, spec: DataSpec) -> Parts:
    """Inputs are those of the rows before, oldest first, the target is that of the row; in every part by itself."""
    if not spec.window:
        return parts
    pairs = [_of(pair, spec) if pair else None for pair in (parts.test, parts.validation)]
    first = _of((parts.inputs, parts.targets), spec)
    assert first is not None
    return Parts(*first, *pairs)


def _of(pair: tuple[Table, Table], spec: DataSpec) -> tuple[Table, Table]:
    inputs, targets = pair
    rows, size = len(targets.values), spec.window
    if rows <= size:
        where = dict(spec.spans).get("window", spec.span)
        message = f"{inputs.name} has {count(rows, 'row')}, and a window of {size} needs {size + 1} at least"
        raise data_error("E0652", message, where)
    own = inputs.values[:, :-1] if spec.weights else inputs.values
    names = inputs.columns[:-1] if spec.weights else inputs.columns
    seen = np.lib.stride_tricks.sliding_window_view(own, size, axis=0)[:-1]  # (rows - size, C, size)
    values = seen.transpose(0, 2, 1).reshape(rows - size, -1)
    columns = tuple(f"{name}[-{size - i}]" for i in range(size) for name in names)
    if spec.weights:  # of the row that is foretold
        values, columns = np.column_stack([values, inputs.values[size:, -1]]), (*columns, inputs.columns[-1])
    kept = np.arange(size, rows)
    return replace(inputs.rows(kept), columns=columns, values=values, text={}), targets.rows(kept)

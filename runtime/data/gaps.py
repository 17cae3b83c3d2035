"""Missing values: refused, left out with their sample, or replaced by the mean of the training part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.blocks import some
from netc.runtime.data.columns import refuse_missing, setting_span
from netc.runtime.data.errors import data_error
from netc.runtime.data.named_sets import Parts
from netc.runtime.data.scaling import Array
from netc.runtime.data.table import NOT_THERE, Table

Gaps = NDArray[np.bool_]


def gaps(table: Table) -> Gaps:
    """(N, C) where a value is missing; text is none."""
    found: Gaps = (
        np.isnan(table.values) if table.values.dtype.kind == "f" else np.zeros(table.values.shape, bool)
    )
    for column, cells in table.text.items():
        found[:, column] = [cell.strip().lower() in NOT_THERE for cell in cells]
    return found


def _whole(table: Table) -> bool:
    """Whether numbers stand in all its cells."""
    return not table.text and (table.values.dtype.kind != "f" or not some(np.isnan, table.values))


def without_gaps(parts: Parts, spec: DataSpec) -> tuple[Parts, int]:
    """The samples that are left, and how many were not. E0609 where the file does not say what to do about a gap."""
    inputs, dropped = _kept(parts.inputs, parts.targets, spec)
    test, lost = _kept(*parts.test, spec) if parts.test else (None, 0)
    validation, more = _kept(*parts.validation, spec) if parts.validation else (None, 0)
    return Parts(*inputs, test, validation), dropped + lost + more


def _kept(inputs: Table, targets: Table, spec: DataSpec) -> tuple[tuple[Table, Table], int]:
    if _whole(inputs) and _whole(targets):
        return (inputs, targets), 0
    missing, unknown = gaps(inputs), gaps(targets)
    if spec.missing == "drop":
        lost: Gaps = np.any(np.concatenate([missing, unknown], axis=1), axis=1)
        if lost.all():
            message = (
                f"all {len(lost)} samples of {inputs.name} have a missing value: missing = drop leaves none"
            )
            raise data_error("E0607", message, setting_span(spec, "missing"))
        if not lost.any():
            return (inputs, targets), 0
        rows = np.flatnonzero(~lost)
        return (inputs.rows(rows), targets.rows(rows)), int(lost.sum())
    if missing.any() and spec.missing == "error":
        refuse_missing(inputs, missing, spec, "input")
    if unknown.any():
        refuse_missing(targets, unknown, spec, "target")
    return (inputs, targets), 0


@dataclass(frozen=True, eq=False)
class Fill:
    """What stands in the place of missing inputs: the means of the training part."""

    means: Array
    """(C,)"""

    def apply(self, x: Array) -> Array:
        return np.where(np.isnan(x), self.means, x)


def fill_of(x: Array, names: tuple[str, ...], spec: DataSpec, weights: Array | None = None) -> Fill:
    """Of the training part (N, C), its samples weighted where they have weights."""
    if weights is not None:
        x, weights = x[weights > 0], weights[weights > 0, None]
    known = ~np.isnan(x)
    for at in np.flatnonzero(~known.any(axis=0)):
        message = f"column '{names[at]}' has no value in the training part, so it has no mean"
        raise data_error("E0609", message, setting_span(spec, "missing"))
    shares = known * (1 if weights is None else weights)
    return Fill((np.where(known, x, 0.0) * shares).sum(axis=0) / shares.sum(axis=0))

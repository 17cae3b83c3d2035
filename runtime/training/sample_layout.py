"""Samples as the kernels read them, feature by feature and padded; and how they are cut into batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from netc.compiler.calculus import ir
from netc.runtime.aligned import LINE, zeros
from netc.runtime.parameters import Array


@dataclass(frozen=True)
class Samples:
    """One part of the data (training or test), already scaled."""

    x: Array
    """(inputs, columns), columns >= count + block, the rest zero; (count, inputs) for kernels that shuffle;
    (panels * inputs and a few, panel) in panels."""
    y: Array
    """(outputs, columns), likewise."""
    count: int
    targets: int = 1
    """Of the rows of y; one more holds weights, where samples have them."""
    panel: int = 0
    """Samples of a panel: x has one after the other; 0: no panels."""
    inputs: int = 0
    """Rows of a panel."""

    @property
    def goal(self) -> Array:
        """(targets, count): what outputs are compared with."""
        return self.y[: self.targets, : self.count]

    def behind(self, first: int, by_sample: bool) -> Samples:
        """The samples from this one on, where they lie; of panels the first of one. `by_sample` as `lay_out` has it."""
        if self.panel:
            x = self.x[first // self.panel * self.inputs :]
        else:
            x = self.x[first:] if by_sample else _shifted(self.x, first)
        return replace(self, x=x, y=_shifted(self.y, first), count=self.count - first)


def lay_out(
    x: Array, y: Array, block: int, dtype: type[np.floating], by_sample: bool = False, targets: int = 0
) -> Samples:
    """Of x (samples, inputs) and y (samples, outputs); `by_sample` as the kernels' BY_SAMPLE says. `targets`: columns of y
    that are no weights; 0: all."""
    return lay_out_pieces((*x.shape, y.shape[1]), [x], [y], block, dtype, by_sample, targets)


def lay_out_pieces(
    shape: tuple[int, int, int],
    x: Iterable[Array],
    y: Iterable[Array],
    block: int,
    dtype: type[np.floating],
    by_sample: bool = False,
    targets: int = 0,
    panel: int = 0,
) -> Samples:
    """The same of x and y that come some rows at a time, so that they never stand there as a whole; the shape is
    (samples, inputs, outputs). `panel`: samples of one, see `panel_of`; 0 or more than there are: no panels."""
    count, features, outputs = shape
    panel = panel if panel < count else 0
    if by_sample:
        inputs, at = zeros((count, features), dtype), 0
        for piece in x:
            inputs[at : at + len(piece)] = piece
            at += len(piece)
    elif panel:
        inputs = _panels(count, features, x, panel, block, dtype)
    else:
        inputs = _columns(count, features, x, block, dtype)
    goals = _columns(count, outputs, y, block, dtype)
    return Samples(inputs, goals, count, targets or outputs, panel, features)


def no_samples(block: int, dtype: type[np.floating]) -> Samples:
    """What stands in for data where there is only an objective."""
    return Samples(zeros((1, block), dtype), zeros((1, block), dtype), 1)


def _columns(
    count: int, features: int, pieces: Iterable[Array], block: int, dtype: type[np.floating]
) -> Array:
    """The transpose, padded; a row is an odd number of cache lines, so that rows do not fall on the same sets."""
    in_line = LINE // np.dtype(dtype).itemsize
    columns = (-(-(count + block) // in_line) | 1) * in_line
    with_free_row: Array = zeros((features + 1, columns), dtype)  # for `_shifted`; never touched
    out = with_free_row[:-1]
    at = 0
    for rows in pieces:
        out[:, at : at + len(rows)] = rows.T
        at += len(rows)
    return out


def _panels(
    count: int, features: int, pieces: Iterable[Array], panel: int, block: int, dtype: type[np.floating]
) -> Array:
    """The transpose of so many samples, then that of the next ones: what a block reads lies close together."""
    free = -(-block // panel)  # a block may reach beyond the last row
    out: Array = zeros((-(-count // panel) * features + free, panel), dtype)
    at = 0
    for some in pieces:
        put_into_panels(out, np.arange(at, at + len(some)), some)
        at += len(some)
    return out


def put_into_panels(table: Array, which: Array, x: Array) -> None:
    """Samples x (n, features) to the places `which` (n,) of a table in panels."""
    features, panel = x.shape[1], table.shape[1]
    panels = table[: len(table) // features * features].reshape(-1, features, panel)
    panels[which // panel, :, which % panel] = x


def _shifted(table: Array, first: int) -> Array:
    """The same rows of `_columns`, each beginning so many numbers later. The last one ends in the row that is free."""
    return np.lib.stride_tricks.as_strided(table.reshape(-1)[first:], table.shape, table.strides)


def bounds(batches: ir.Batches, samples: int) -> Array:
    """(m+1,) int64: batch i is the samples `bounds[i]` to `bounds[i+1]` of the epoch's order.

    `size`: all of that size but the last, which may be smaller. `parts`: as equal as they can be, the
    larger ones first. A batch is never empty: more parts or a greater size than samples are cut down.
    """
    match batches.mode:
        case "full":
            return np.array([0, samples], np.int64)
        case "size":
            return np.array([*range(0, samples, batches.count), samples], np.int64)
        case "parts":
            parts = min(batches.count, samples)
            sizes = [samples // parts + (i < samples % parts) for i in range(parts)]
            return np.cumsum([0, *sizes], dtype=np.int64)


MOST_BLOCKS = 8
"""Of a batch that is a panel, where it has no whole number of blocks: one block more is little beside so many."""


def panel_of(batches: ir.Batches, block: int) -> int:
    """Samples of a panel, so that few blocks of a batch are cut by one."""
    own = batches.mode == "size" and batches.count % block and batches.count < MOST_BLOCKS * block
    return batches.count if own else block

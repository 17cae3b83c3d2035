"""Samples as the kernels read them, feature by feature and padded; and how they are cut into batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netc.compiler.calculus import ir
from netc.runtime.aligned import LINE, aligned, zeros
from netc.runtime.parameters import Array


@dataclass(frozen=True)
class Samples:
    """One part of the data (training or test), already scaled."""

    x: Array
    """(inputs, columns), columns >= count + block, the rest zero; (count, inputs) for kernels that shuffle."""
    y: Array
    """(outputs, columns), likewise."""
    count: int
    targets: int = 1
    """Of the rows of y; one more holds weights, where samples have them."""

    @property
    def goal(self) -> Array:
        """(targets, count): what outputs are compared with."""
        return self.y[: self.targets, : self.count]


def lay_out(
    x: Array, y: Array, block: int, dtype: type[np.floating], by_sample: bool = False, targets: int = 0
) -> Samples:
    """Of x (samples, inputs) and y (samples, outputs); `by_sample` as the kernels' BY_SAMPLE says. `targets`: columns of y
    that are no weights; 0: all."""
    inputs = aligned(x, dtype) if by_sample else _columns(x, block, dtype)
    return Samples(inputs, _columns(y, block, dtype), len(x), targets or y.shape[1])


def no_samples(block: int, dtype: type[np.floating]) -> Samples:
    """What stands in for data where there is only an objective."""
    return Samples(zeros((1, block), dtype), zeros((1, block), dtype), 1)


def _columns(rows: Array, block: int, dtype: type[np.floating]) -> Array:
    """The transpose, padded; a row is an odd number of cache lines, so that rows do not fall on the same sets."""
    count, features = rows.shape
    in_line = LINE // np.dtype(dtype).itemsize
    columns = (-(-(count + block) // in_line) | 1) * in_line
    out = zeros((features, columns), dtype)
    out[:, :count] = rows.T
    return out


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

"""Whole numbers that float64 does not have: found in cells and in integers, and refused in arrays of Python callers.

In tables they are refused only where their column is used: that is `columns.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT = 2.0**53
"""Below it every whole number is a float64."""
ROUNDED = (
    "which is no float64, as other whole numbers above 2^53: a quantity may be rounded, give {}.astype(float); a number"
    " that names the row is no quantity"
)


@dataclass(frozen=True)
class Rounded:
    """The first whole number of a column that is no float64, as it is written and in which row, and how many there are."""

    row: int
    written: str
    times: int


def rounded_cells(rows: Sequence[Sequence[str]], values: NDArray[Any]) -> dict[int, Rounded]:
    """By column: cells (N, C) that are whole numbers, and are others among the `values` (N, C) that were read of them."""
    large = np.argwhere((np.abs(values) >= EXACT) & np.isfinite(values)).tolist()
    found = ((row, column, rows[row][column].strip()) for row, column in large)
    return _counted(
        (row, column, cell)
        for row, column, cell in found
        if cell.lstrip("+-").isdecimal() and int(cell) != int(values[row, column])
    )


def rounded_integers(values: NDArray[Any]) -> dict[int, Rounded]:
    """The same of integers (N, C)."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return {}
    found = ((row, column, int(values[row, column])) for row, column in np.argwhere(_large(values)).tolist())
    return _counted((row, column, str(n)) for row, column, n in found if not _kept(n))


def _counted(cells: Iterable[tuple[int, int, str]]) -> dict[int, Rounded]:
    found: dict[int, Rounded] = {}
    for row, column, cell in cells:
        first = found.get(column, Rounded(row, cell, 0))
        found[column] = replace(first, times=first.times + 1)
    return found


class NoArray(ValueError):
    """The object has no array; the text says what it said."""


def require_exact_array(name: str, values: Any) -> None:
    """ValueError where an array or list of this name, of any shape, holds integers that are others as float64."""
    array = exact_array(values)
    if array.dtype.kind == "O":
        found = [_is_whole(v) and abs(int(v)) > EXACT for v in array.flat]
        large = np.array(found, bool).reshape(array.shape)
    elif array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        large = _large(array)
    else:
        return
    for at in np.argwhere(large).tolist():
        number = int(array[tuple(at)])
        if not _kept(number):
            place = f"{name}[{', '.join(map(str, at))}]"
            array_of = name if hasattr(values, "astype") else f"np.array({name})"
            raise ValueError(f"{place} is {number}, {ROUNDED.format(array_of)}")


def plain_array(values: Any) -> NDArray[Any]:
    """What NumPy makes of it. Raises NoArray, and ValueError for rows of different lengths."""
    try:
        return np.asarray(values)
    except (TypeError, RuntimeError) as error:  # a tensor that wants a gradient, or on another device
        raise NoArray(f"NumPy makes no array of a {type(values).__name__}: {error}") from None


def exact_array(values: Any) -> NDArray[Any]:
    """The array of whatever a Python caller holds; of objects where integers of a list would be rounded, beside floats.

    Raises NoArray.
    """
    array = plain_array(values)
    if array.dtype.kind != "f" or not isinstance(values, list | tuple) or not (np.abs(array) >= EXACT).any():
        return array
    written = np.array(values, dtype=object)
    rounded = written.shape == array.shape and any(_is_whole(v) and not _kept(int(v)) for v in written.flat)
    return written if rounded else array


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _large(integers: NDArray[Any]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = integers > int(EXACT)
    return found | (integers < -int(EXACT)) if integers.dtype.kind == "i" else found


def _kept(number: int) -> bool:
    """As float64."""
    try:
        return int(float(number)) == number
    except OverflowError:
        return False

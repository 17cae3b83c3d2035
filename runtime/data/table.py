"""A table as it was read: columns of numbers, and of text where cells are no numbers. Nothing is judged here.

Readers make tables, `dataset.py` chooses inputs and targets from them and says what is unfit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "<na>"})
"""Spellings of a missing value, in lower case."""


@dataclass(frozen=True, eq=False)
class Table:
    name: str
    """Of the file or the set, as messages show it."""
    columns: tuple[str, ...]
    values: NDArray[Any]
    """(N, C), of any real type; NaN where the cell is missing or is not a number."""
    text: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Column -> its N cells, where at least one of them is neither a number nor missing."""
    lines: NDArray[np.int64] | None = None
    """(N,) line of each row in its file; None where row i is simply the i-th."""

    def row(self, index: int) -> int:
        """The row as a person counts it."""
        return int(self.lines[index]) if self.lines is not None else index + 1

    def select(self, indices: Sequence[int]) -> Table:
        """Some of the columns; all of them in order cost no copy."""
        same = list(indices) == list(range(len(self.columns)))
        values = self.values if same else self.values[:, list(indices)]
        text = {new: self.text[old] for new, old in enumerate(indices) if old in self.text}
        return Table(self.name, tuple(self.columns[i] for i in indices), values, text, self.lines)

    def head(self, rows: int) -> Table:
        """The first rows."""
        text = {column: cells[:rows] for column, cells in self.text.items()}
        lines = self.lines[:rows] if self.lines is not None else None
        return Table(self.name, self.columns, self.values[:rows], text, lines)


def number(cell: str) -> float | None:
    """The number in a cell, NaN if it is missing, None if it is text."""
    cell = cell.strip()
    if cell.lower() in MISSING:
        return float("nan")
    if "_" in cell:  # float() reads 1_000; a data file means text by it
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def numbered(prefix: str, width: int) -> tuple[str, ...]:
    """`x1, x2, ...`, and just `x` for a single column."""
    return (prefix,) if width == 1 else tuple(f"{prefix}{i + 1}" for i in range(width))


def from_array(name: str, array: NDArray[Any], prefix: str = "c") -> Table:
    """The table of an array: its first axis are the samples, all others are one row of columns.

    Images (N, h, w) become (N, h*w), row after row. Structured arrays bring names of columns.
    """
    if array.dtype.names:
        return from_columns(name, array.dtype.names, [array[field] for field in array.dtype.names])
    flat = array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0)
    if flat.dtype.kind in "biuf":
        return Table(name, numbered(prefix, flat.shape[1]), flat)
    return from_columns(name, numbered(prefix, flat.shape[1]), list(flat.T))


def from_columns(name: str, columns: Iterable[Any], arrays: Sequence[NDArray[Any]]) -> Table:
    """The table of columns of different kinds."""
    names = tuple(str(column) for column in columns)
    values = np.empty((len(arrays[0]) if arrays else 0, len(names)))
    text = {}
    for index, array in enumerate(arrays):
        if array.dtype.kind in "biuf":
            values[:, index] = array
            continue
        cells = tuple("" if cell is None else str(cell) for cell in array.tolist())
        values[:, index], is_text = cells_to_numbers(cells)
        if is_text:
            text[index] = cells
    return Table(name, names, values, text)


def cells_to_numbers(cells: Iterable[str]) -> tuple[list[float], bool]:
    """(numbers, NaN for whatever is none; whether some cell is text)."""
    found = [number(cell) for cell in cells]
    return [float("nan") if value is None else value for value in found], None in found

"""A table as it was read: columns of numbers, and of text where cells are no numbers. Nothing is judged here.

Readers make tables, `assemble.py` chooses inputs and targets from them and says what is unfit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import Decimal
from netc.runtime.data.whole_numbers import Rounded, rounded_cells, rounded_integers

NOT_THERE = frozenset(
    {"", "?", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "<na>", "nat", "1.#qnan", "-1.#ind"}
)
"""Spellings of a missing value, in lower case."""
MISSING = NOT_THERE | {"none"}
"""Those in a column of numbers; among labels `none` is one of them."""
TRUTHS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Reading:
    """How a text table was read."""

    header: int
    """Line of the row that names the columns; 0: none does."""
    first: int
    """Line of the first row of data."""
    stated: bool
    """Whether the file said if there is a header, so that nothing was guessed."""
    separator: str
    decimal: Decimal
    comments: int
    """Lines that begin with #, which were skipped."""

    @property
    def guess(self) -> str:
        """What was taken for what, and why; empty where it was stated."""
        if self.stated:
            return ""
        if self.header:
            return f"row {self.header} was read as a header, since it holds no number"
        return f"row {self.first} was read as data, since it holds numbers"


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
    reading: Reading | None = None
    """Of a text table."""
    index: frozenset[int] = frozenset()
    """Columns without a name that only count or name the rows, as pandas and R write them, or are empty."""
    named: bool = True
    """Whether the columns have names of their own."""
    rounded: Mapping[int, Rounded] = field(default_factory=dict)
    """Columns of whole numbers that float64 does not have; of all rows, whatever is chosen of them later."""
    axes: tuple[int, ...] = ()
    """Sizes of a sample's axes, where it came as more than a row of numbers."""

    def row(self, index: int) -> int:
        """The row as a person counts it."""
        return int(self.lines[index]) if self.lines is not None else index + 1

    @property
    def decimal(self) -> Decimal:
        return self.reading.decimal if self.reading else "point"

    @property
    def guess(self) -> list[str]:
        """A note for messages: what the reading took for granted."""
        return [self.reading.guess] if self.reading and self.reading.guess else []

    def select(self, indices: Sequence[int]) -> Table:
        """Some of the columns. Most of them, side by side and in order, are read where they lie."""
        first, width = indices[0] if indices else 0, len(indices)
        beside = list(indices) == list(range(first, first + width))
        lie = beside and len(self.columns) <= 2 * width
        values = self.values[:, first : first + width] if lie else self.values[:, list(indices)]
        text = {new: self.text[old] for new, old in enumerate(indices) if old in self.text}
        columns = tuple(self.columns[i] for i in indices)
        rounded = {new: self.rounded[old] for new, old in enumerate(indices) if old in self.rounded}
        return replace(self, columns=columns, values=values, text=text, index=frozenset(), rounded=rounded)

    def rows(self, chosen: NDArray[Any]) -> Table:
        """Some of the rows, by their numbers; a column whose text is gone is one of numbers."""
        kept = {column: tuple(cells[i] for i in chosen) for column, cells in self.text.items()}
        text = {
            c: cells for c, cells in kept.items() if any(number(cell, self.decimal) is None for cell in cells)
        }
        lines = (self.lines if self.lines is not None else np.arange(1, len(self.values) + 1))[chosen]
        return replace(self, values=self.values[chosen], text=text, lines=lines)

    def head(self, rows: int) -> Table:
        """The first rows."""
        return self.rows(np.arange(rows)) if rows < len(self.values) else self


def number(cell: str, decimal: Decimal = "point") -> float | None:
    """The number in a cell, NaN if it is missing, None if it is text."""
    cell = cell.strip()
    if cell.lower() in MISSING:
        return float("nan")
    if "_" in cell:  # float() reads 1_000; a data file means text by it
        return None
    if decimal == "comma":
        if "." in cell:  # of thousands, perhaps: 1.234 is not guessed
            return None
        cell = cell.replace(",", ".", 1)
    try:
        return float(cell)
    except ValueError:
        return None


def is_number(cell: str, decimal: Decimal = "point") -> bool:
    """And not missing."""
    value = number(cell, decimal)
    return value is not None and not np.isnan(value)


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
    columns = numbered(prefix, flat.shape[1])
    if flat.dtype.kind in "biuf":
        axes = array.shape[1:] if array.ndim > 2 else ()
        return Table(name, columns, flat, named=False, rounded=rounded_integers(flat), axes=axes)
    return replace(from_columns(name, columns, list(flat.T)), named=False)


def from_columns(name: str, columns: Iterable[Any], arrays: Sequence[NDArray[Any]]) -> Table:
    """The table of columns of different kinds."""
    kinds = {array.dtype for array in arrays if array.dtype.kind == "f"}
    return of_columns(name, columns, arrays, len(arrays[0]) if arrays else 0, kinds == {np.dtype(np.float32)})


def of_columns(
    name: str, columns: Iterable[Any], arrays: Iterable[NDArray[Any]], rows: int, single: bool
) -> Table:
    """The same of columns that come one by one. Where `single` says that float32 is among them and no other float, the
    values are float32 as long as it has every number of the others."""
    names = tuple(str(column) for column in columns)
    values: NDArray[Any] = np.empty((rows, len(names)), np.float32 if single else np.float64)
    text, rounded = {}, dict[int, Rounded]()
    for index, array in enumerate(arrays):
        if array.dtype.kind in "biuf":
            numbers, found = array, rounded_integers(array[:, None])
        else:
            cells = _cells(array)
            read, is_text = cells_to_numbers(cells)
            numbers = np.array(read, dtype=np.float64)
            found = rounded_cells([(cell,) for cell in cells], numbers[:, None])
            if is_text:
                text[index] = cells
        if single and not _float32_has(numbers):
            wide = np.empty(values.shape)
            wide[:, :index] = values[:, :index]
            values, single = wide, False
        values[:, index] = numbers
        if found:
            rounded[index] = found[0]
    return Table(name, names, values, text, rounded=rounded)


def _float32_has(numbers: NDArray[Any]) -> bool:
    if numbers.dtype == np.float32 or not len(numbers):
        return True
    known = numbers[~np.isnan(numbers)] if numbers.dtype.kind == "f" else numbers
    return bool((known.astype(np.float32).astype(np.float64) == known.astype(np.float64)).all())


def _cells(array: NDArray[Any]) -> tuple[str, ...]:
    """As texts; dates stay dates (NumPy would count their nanoseconds), bytes are UTF-8."""
    if array.dtype.kind in "mM":
        return tuple("" if cell == "NaT" else str(cell) for cell in array.astype(str).tolist())
    return tuple(map(_cell, array.tolist()))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def cells_to_numbers(cells: Iterable[str], decimal: Decimal = "point") -> tuple[list[float], bool]:
    """(numbers, NaN for whatever is none; whether some cell is text)."""
    found = [number(cell, decimal) for cell in cells]
    return [float("nan") if value is None else value for value in found], None in found


_UNNAMED = re.compile(r"\s*(Unnamed: \d+)?\s*")


def without_use(
    heads: Sequence[str], values: NDArray[np.float64], text: Mapping[int, Sequence[str]]
) -> frozenset[int]:
    """Columns without a name that teach nothing: the first, where it counts or names the rows, as pandas and R write it,
    and those in which nothing stands, as rows that end with a separator have them."""
    if not len(values):
        return frozenset()
    bare = [i for i, head in enumerate(heads) if _UNNAMED.fullmatch(head)]
    empty = {i for i in bare if i not in text and np.isnan(values[:, i]).all()}
    labels = {0} if 0 in bare and 0 not in empty and _labels_rows(values[:, 0], text.get(0)) else set[int]()
    return frozenset(empty | labels)


def _labels_rows(column: NDArray[np.float64], cells: Sequence[str] | None) -> bool:
    if cells is not None:
        return len(set(cells)) == len(column)
    return column[0] in (0, 1) and bool((np.diff(column) == 1).all())

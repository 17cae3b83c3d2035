"""Is the first row of a text table a header? A guess, and whether it is doubtful.

A row without a single number names the columns. A row with numbers is data, unless it looks like names made of
numbers: 0, 1, 2, ... as pandas writes them, years, wavelengths. Then nothing is guessed: the message asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import Decimal
from netc.runtime.data.table import NOT_THERE, is_number, number

FAR = 10
"""So many times the largest number of a column above all of its numbers, a first cell is none of them."""
YEARS = (1700, 2200)
MANY = 6
"""Numbers that rise from cell to cell: by chance one row in 720."""


def names_columns(first: Sequence[str], decimal: Decimal) -> bool:
    """No cell is a number, and not all are missing."""
    return not any(is_number(cell, decimal) for cell in first) and any(map(_is_word, first))


def doubt(first: Sequence[str], below: Sequence[Sequence[str]], decimal: Decimal) -> str:
    """Why the guess may be wrong, or nothing. `below` are some of the rows after the first."""
    rows = [row for row in below if len(row) == len(first)]
    if not rows:
        return ""
    columns = [[row[i].strip() for row in rows] for i in range(len(first))]
    if names_columns(first, decimal):
        return _stands_below(first, columns)
    return _word_above_numbers(first, columns, decimal) or _numbers_as_names(first, columns, decimal)


def _is_word(cell: str) -> bool:
    return cell.strip().lower() not in NOT_THERE


def _stands_below(first: Sequence[str], columns: Sequence[Sequence[str]]) -> str:
    """A name that is also a value of its column: the first sample of a table of texts."""
    for cell, column in zip(first, columns, strict=True):
        if _is_word(cell) and cell.strip() in column:
            return f"it holds no number, but '{cell.strip()}' stands below in the same column as well"
    return ""


def _word_above_numbers(first: Sequence[str], columns: Sequence[Sequence[str]], decimal: Decimal) -> str:
    for cell, column in zip(first, columns, strict=True):
        if not _is_word(cell) or number(cell, decimal) is not None:
            continue
        known = [value for value in column if _is_word(value)]
        numbers = sum(is_number(value, decimal) for value in known)
        if known and numbers == len(known):
            return f"'{cell.strip()}' stands above numbers only"
        repeated = len(known) >= 4 and all(known.count(v) > 1 for v in known)
        if numbers == 0 and repeated and cell.strip() not in known:
            return f"'{cell.strip()}' stands nowhere else in its column, where every other text is repeated"
    return ""


def _numbers_as_names(first: Sequence[str], columns: Sequence[Sequence[str]], decimal: Decimal) -> str:
    """Only columns whose first cell is a number are looked at."""
    at = [i for i, cell in enumerate(first) if is_number(cell, decimal)]
    head = np.array([number(first[i], decimal) for i in at])
    body = np.array([[_value(cell, decimal) for cell in columns[i]] for i in at]).T
    said = ", ".join(first[i].strip() for i in at[:4]) + (", ..." if len(at) > 4 else "")
    if len(at) < 2 or len(np.unique(head)) < len(head):
        return ""
    if _counts(head) and not _share(_counts, body) > 0.5:
        return f"{said} count from cell to cell, as few rows below do"
    if _rises(head) and (len(at) >= MANY or _years(head, body)) and not _share(_rises, body) > 0.05:
        return f"{said} rise or fall from cell to cell, as hardly a row below"
    if all(re.fullmatch(r"[+-]?\d+", first[i].strip()) for i in at) and _fractions(columns, at, decimal):
        return f"{said} are whole numbers above numbers with decimals"
    if len(body) > 1 and _far(head, body):
        return f"{said} are far from all numbers below"
    return ""


def _counts(row: NDArray[np.float64]) -> bool:
    """0, 1, 2, or four and more whole numbers in equal steps."""
    steps = np.diff(row)
    equal = bool((steps == steps[0]).all()) and steps[0] != 0 and bool((row == np.round(row)).all())
    return equal and (len(row) > 3 or (len(row) == 3 and row[0] == 0))


def _years(head: NDArray[np.float64], body: NDArray[np.float64]) -> bool:
    """Above what are none."""
    low, high = YEARS
    known = body[np.isfinite(body)]
    alike = bool(((known >= low) & (known <= high)).mean() > 0.5) if known.size else False
    whole = bool((head == np.round(head)).all())
    return whole and low <= head.min() and head.max() <= high and not alike


def _rises(row: NDArray[np.float64]) -> bool:
    steps = np.diff(row)
    return bool((steps > 0).all() or (steps < 0).all())


def _share(holds: Callable[[NDArray[np.float64]], bool], body: NDArray[np.float64]) -> float:
    return float(np.mean([holds(row) for row in body]))


def _fractions(columns: Sequence[Sequence[str]], at: Sequence[int], decimal: Decimal) -> bool:
    """Have all numbers below a fraction or an exponent, those of the last column apart (it may hold classes)?"""
    sign = "," if decimal == "comma" else "."
    cells = [cell for i in at if i < len(columns) - 1 for cell in columns[i] if is_number(cell, decimal)]
    return len(cells) > 1 and len(columns[0]) > 1 and all(sign in c or "e" in c.lower() for c in cells)


def _far(head: NDArray[np.float64], body: NDArray[np.float64]) -> bool:
    known = np.where(np.isfinite(body), body, np.nan)
    if np.isnan(known).all(axis=0).any():
        return False
    low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
    size = np.maximum(np.maximum(abs(low), abs(high)), 1)
    distance = np.maximum(low - head, head - high)
    return bool((distance > FAR * size).all())


def _value(cell: str, decimal: Decimal) -> float:
    found = number(cell, decimal)
    return np.nan if found is None else found

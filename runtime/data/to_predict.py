"""A table -> the inputs of a trained model, column by column; what does not fit is refused at its place in the file.

Trains and scales nothing, and knows no model but the names of its columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netc.compiler.meaning.spec import TextStyle
from netc.dsl.names import did_you_mean
from netc.dsl.source import Source, Span
from netc.runtime.data.columns import place, with_truths
from netc.runtime.data.errors import DataError, count, data_error, listing
from netc.runtime.data.readers import read_file
from netc.runtime.data.scaling import Array
from netc.runtime.data.table import Table

HEAD = 2**16
"""Bytes of a text table in which its header is looked for, to point at it."""


@dataclass(frozen=True)
class Wanted:
    """What a model asks of a table."""

    columns: tuple[str, ...]
    named: bool
    """Whether columns are found by name; else by place."""
    chosen: bool
    """Whether the file has chosen them (`inputs = ...`): others are left out, as they were in training."""
    unread: tuple[str, ...]
    """May stand in the table: its targets, the weights of its samples."""
    gaps: bool
    """Whether the model has something to put in the place of missing values."""
    style: TextStyle


def inputs_to_predict(path: Path, wanted: Wanted, kept: Sequence[str]) -> tuple[Array, dict[str, list[str]]]:
    """(N, inputs) raw, and the columns `kept` as texts, by name. Raises DataError."""
    source = Source(str(path), "")
    tables = read_file(path, Span(source, 0, 0), wanted.style)
    table = tables[0]
    by_name = wanted.named and table.named
    beside = _beside(table, kept, path)
    places = _by_name(table, wanted, beside, path) if by_name else _by_place(table, wanted, beside, path)
    _require_exact(table, [*places, *beside.values()], path)
    x = with_truths(table.select(places))
    _require_cells(x, wanted, path)
    return x.values.astype(np.float64), {name: _texts(table, column) for name, column in beside.items()}


def _beside(table: Table, kept: Sequence[str], path: Path) -> dict[str, int]:
    for name in kept:
        if name not in table.columns:
            hints = did_you_mean(name, table.columns) or (f"there are {listing(table.columns)}",)
            raise _error("E0720", f"{table.name} has no column '{name}'", _head(table, path, ""), hints)
    return {name: table.columns.index(name) for name in kept}


def _by_name(table: Table, wanted: Wanted, beside: dict[str, int], path: Path) -> list[int]:
    known = {*wanted.columns, *wanted.unread, *beside}
    unknown = [name for i, name in enumerate(table.columns) if name not in known and i not in table.index]
    if lost := [name for name in wanted.columns if name not in table.columns]:
        near = [name for name in unknown if did_you_mean(lost[0], [name])] or unknown[: len(unknown) == 1]
        message = f"{table.name} has no column '{lost[0]}', which the model was trained on"
        hint = f"'{near[0]}' is no column of the model: rename it to '{lost[0]}'" if near else ""
        hints: tuple[str, ...] = (hint or f"the model reads {listing(wanted.columns)}",)
        notes = [f"missing too: {listing(lost[1:])}"] if len(lost) > 1 else []
        raise _error("E0720", message, _head(table, path, near[0] if near else ""), hints, notes)
    if unknown and not wanted.chosen:
        message = f"'{unknown[0]}' is no column of the model"
        hints = (*did_you_mean(unknown[0], wanted.columns),)
        hints += (f'--keep "{unknown[0]}" copies it into the table of predictions; or remove it',)
        notes = [f"unknown too: {listing(unknown[1:])}"] if len(unknown) > 1 else []
        raise _error("E0721", message, _head(table, path, unknown[0]), hints, notes)
    return [table.columns.index(name) for name in wanted.columns]


def _by_place(table: Table, wanted: Wanted, beside: dict[str, int], path: Path) -> list[int]:
    places = [i for i in range(len(table.columns)) if i not in beside.values() and i not in table.index]
    if len(places) != len(wanted.columns):
        held = f"{table.name} has {count(len(places), 'column')}"
        message = f"{held}, the model has {count(len(wanted.columns), 'input')}"
        why = (
            "the table has no header" if not table.named else "the model was trained on columns without names"
        )
        raise _error(
            "E0722", message, _head(table, path, ""), [f"give the inputs {listing(wanted.columns)} alone, in this order"],
            [f"columns go by their places: {why}", *table.guess],
        )  # fmt: skip
    return places


def _require_exact(table: Table, columns: Sequence[int], path: Path) -> None:
    for column in columns:
        if column in table.rounded and column not in table.text:
            found = table.rounded[column]
            message = f"{place(table, found.row, column)}: {found.written} would be read as {float(found.written):.0f}"
            hint = "whole numbers above 2^53 are no float64: an id is written with a letter, as in n9007199254740993"
            raise _error("E0670", message, _head(table, path, table.columns[column]), [hint])


def _require_cells(x: Table, wanted: Wanted, path: Path) -> None:
    for column, cells in sorted(x.text.items()):
        row = next(i for i in range(len(cells)) if np.isnan(x.values[i, column]))
        message = f"{place(x, row, column)}: '{cells[row]}' is not a number"
        raise _error("E0723", message, _head(x, path, x.columns[column]), ["the model reads numbers there"])
    if x.values.dtype.kind != "f":
        return
    infinite = np.argwhere(np.isinf(x.values))
    missing = np.argwhere(np.isnan(x.values)) if not wanted.gaps else infinite[:0]
    for found, what in ((infinite, "infinite"), (missing, "missing")):
        if len(found):
            row, column = map(int, found[0])
            hint = "train with `missing = mean`, and such gaps are filled" if what == "missing" else ""
            message = f"{place(x, row, column)}: the value is {what}"
            more = [f"{count(len(found), 'such value')} in {x.name}"]
            raise _error("E0723", message, _head(x, path, x.columns[column]), [hint] if hint else [], more)


def _texts(table: Table, column: int) -> list[str]:
    if column in table.text:
        return list(table.text[column])
    values = table.values[:, column]
    return [
        "" if np.isnan(value) else repr(value).removesuffix(".0") for value in values.astype(float).tolist()
    ]


def _head(table: Table, path: Path, column: str) -> Span:
    """Where the name of a column stands, or the header, in a text table; else the beginning of the file."""
    if table.reading is None or not table.reading.header:
        return Span(Source(str(path), ""), 0, 0)
    with path.open("rb") as file:
        text = file.read(HEAD).decode(errors="replace")
    source = Source(str(path), text)
    lines = source.lines[: table.reading.header]
    if len(lines) < table.reading.header or path.suffix == ".gz":
        return Span(Source(str(path), ""), 0, 0)
    start = sum(len(line) + 1 for line in lines[:-1])
    found = re.search(rf"(?<!\w){re.escape(column)}(?!\w)", lines[-1]) if column else None
    first, last = found.span() if found else (0, len(lines[-1]))
    return Span(source, start + first, start + last)


def _error(code: str, message: str, span: Span, hints: Sequence[str], notes: Sequence[str] = ()) -> DataError:
    return data_error(code, message, span, hints=hints, notes=notes)

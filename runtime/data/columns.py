"""Which columns are inputs and which are targets, and whether their cells are numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from netc.compiler.meaning.spec import DataSpec
from netc.dsl.source import Span
from netc.runtime.data.blocks import some
from netc.runtime.data.errors import count, data_error, did_you_mean, listing
from netc.runtime.data.named_sets import SETS, Parts
from netc.runtime.data.notations import THOUSANDS, TIME, notation, unit_of
from netc.runtime.data.sample_weights import behind_inputs
from netc.runtime.data.scaling import Array, Scaler
from netc.runtime.data.table import NOT_THERE, TRUTHS, Table, number


def setting_span(spec: DataSpec, name: str) -> Span:
    """Of one setting of the `data` statement; of the statement where it is not written."""
    return dict(spec.spans).get(name, spec.span)


def choose_columns(read: Table | Parts, spec: DataSpec) -> Parts:
    """Inputs and targets as the statement wants them; by default the last column of a table is the target.

    Columns that only count the rows are neither, unless they are named. Weights of samples stand behind the inputs.
    """
    if not spec.weights:
        return _chosen(read, spec)
    table = read.inputs if isinstance(read, Parts) else read
    (at,) = _named(table, (spec.weights,), spec, "weights")
    return behind_inputs(read, at, lambda rest: _chosen(rest, spec))


def _chosen(read: Table | Parts, spec: DataSpec) -> Parts:
    if isinstance(read, Parts):
        inputs = _named(read.inputs, spec.inputs, spec, "inputs")
        chosen = read.inputs.select(inputs)
        if spec.of_inputs:
            tested = read.test[0].select(inputs) if read.test else None
            return Parts(chosen, chosen, (tested, tested) if tested else None)
        targets = _named(read.targets, spec.target, spec, "target")
        test = (read.test[0].select(inputs), read.test[1].select(targets)) if read.test else None
        return Parts(chosen, read.targets.select(targets), test)
    own = SETS[spec.origin[0]].target if spec.kind == "named" else ""
    if spec.of_inputs:
        given = _named(read, spec.inputs, spec, "inputs")
        chosen = read.select([i for i in given if spec.inputs or read.columns[i] != own])
        return Parts(chosen, chosen)
    width = len(read.columns) - len(read.index)
    if width < 2 and not spec.window:
        message = f"{read.name} has a single column; inputs and a target are needed"
        hint = 'targets of their own file come second: data "x.csv", "y.csv"'
        raise data_error("E0614", message, spec.span, hints=[hint])
    last = [name for i, name in enumerate(read.columns) if i not in read.index][-1]
    targets = _named(read, spec.target or (own or last,), spec, "target")
    inputs = _named(read, spec.inputs, spec, "inputs")
    if spec.window:
        pass  # the past of a target is an input
    elif spec.inputs:
        _require_disjoint(read, inputs, targets, spec)
    else:
        inputs = [index for index in inputs if index not in targets]
    if not inputs:
        message = f"all {width} columns of {read.name} are targets, none is left as input"
        raise data_error("E0614", message, setting_span(spec, "target"))
    return Parts(read.select(inputs), read.select(targets))


def _named(table: Table, wanted: Sequence[str], spec: DataSpec, setting: str) -> list[int]:
    """Indices of the named columns; all columns but those that count the rows where none is named."""
    twice = [name for name, times in Counter(table.columns).items() if times > 1]
    if twice:
        notes = [f"columns: {listing(table.columns)}", *table.guess]
        message = f"{table.name} has more than one column called '{twice[0]}'"
        raise data_error("E0613", message, spec.span, notes=notes)
    places = {name: index for index, name in enumerate(table.columns)}
    for name in wanted:
        if wanted.count(name) > 1:
            raise data_error("E0613", f"column '{name}' is named twice", setting_span(spec, setting))
        if name not in places:
            raise data_error(
                "E0612",
                f"{table.name} has no column '{name}'",
                setting_span(spec, setting),
                notes=[f"columns: {listing(table.columns)}", *table.guess],
                hints=[did_you_mean(name, table.columns)],
            )
    if wanted:
        return [places[name] for name in wanted]
    return [index for index in range(len(table.columns)) if index not in table.index]


def _require_disjoint(table: Table, inputs: list[int], targets: list[int], spec: DataSpec) -> None:
    if both := [table.columns[index] for index in inputs if index in targets]:
        message = f"column '{both[0]}' of {table.name} is both an input and the target"
        raise data_error("E0613", message, setting_span(spec, "inputs"))


def require_numbers(
    table: Table, spec: DataSpec, role: Literal["input", "target"], gaps_allowed: bool = False
) -> None:
    """Refuses text, missing values and infinities, in this order; all cells are finite numbers after it."""
    for column in sorted(table.text):
        _refuse_text(table, column, spec, role)
    if table.values.dtype.kind != "f":
        return
    if not gaps_allowed and some(np.isnan, table.values):
        refuse_missing(table, np.isnan(table.values), spec, role)
    if not some(np.isinf, table.values):
        return
    infinite = np.isinf(table.values)
    row, column = np.argwhere(infinite)[0]
    raise data_error(
        "E0611",
        f"{place(table, int(row), int(column))}: the value is infinite",
        spec.span,
        notes=[f"{count(int(infinite.sum()), 'such value')} in {table.name}"],
    )


def require_exact(table: Table, spec: DataSpec, role: Literal["input", "target"]) -> None:
    """Refuses whole numbers that are others as float64, in columns of numbers."""
    for column, found in sorted(table.rounded.items()):
        if column not in table.text:
            raise data_error(
                "E0670",
                f"{place(table, found.row, column)}: {found.written} would be read as {float(found.written):.0f}",
                spec.span,
                notes=[f"whole numbers above 2^53 that are no float64: {found.times} in this column"],
                hints=[
                    "labels that are long numbers are written with a letter, as in n9007199254740993"
                    if role == "target"
                    else "a number that names the row is no input: leave the column out with `inputs = (...)`",
                    "a quantity may be rounded: write it with a point, 9007199254740993.0, or give array.astype(float)",
                ],
            )


def with_truths(table: Table) -> Table:
    """Columns of true and false as 1 and 0."""
    told = {
        column: [TRUTHS.get(cell.strip().lower()) for cell in cells]
        for column, cells in table.text.items()
        if all(c.strip().lower() in TRUTHS.keys() | NOT_THERE for c in cells)
    }
    if not told:
        return table
    values = table.values.astype(np.float64)
    for column, found in told.items():
        values[:, column] = [np.nan if value is None else value for value in found]
    return replace(table, values=values, text={c: t for c, t in table.text.items() if c not in told})


def require_scalable(scaler: Scaler, names: Sequence[str], spec: DataSpec, setting: str) -> None:
    """Refuses a column whose values are so large that its mean or spread is not finite."""
    for name, shift, divisor in zip(names, scaler.shift, scaler.divisor, strict=False):
        if not (np.isfinite(shift) and np.isfinite(divisor)):
            message = (
                f"column '{name}' cannot be scaled: its values are too large for their spread to be finite"
            )
            where = setting_span(spec, setting if setting in dict(spec.spans) else "scale")
            raise data_error("E0611", message, where, hints=["give the values in another unit"])


def require_single(pieces: Iterable[Array], names: Sequence[str], spec: DataSpec) -> None:
    """Refuses scaled values that `precision = f32` cannot hold: too large ones, and columns of whose digits it would
    keep less than four."""
    largest, smallest = np.finfo(np.float32).max, 1e4 * float(np.finfo(np.float32).smallest_subnormal)
    hints = ["train with precision = f64", "or scale the data"]
    sizes: Array = np.zeros(1)
    for values in pieces:
        beyond = np.argwhere(np.abs(values) > largest)
        if len(beyond):
            row, column = (int(i) for i in beyond[0])
            name = names[min(column, len(names) - 1)]
            message = f"column '{name}' holds {values[row, column]:.4g}, beyond the largest number of precision = f32"
            raise data_error("E0611", message, spec.span, hints=hints)
        sizes = np.maximum(sizes, abs(values).max(axis=0, initial=0))
    for lost in np.flatnonzero((sizes > 0) & (sizes < smallest)):
        name = names[min(int(lost), len(names) - 1)]
        message = f"column '{name}' holds {sizes[lost]:.4g} at most, too small for precision = f32 to keep its digits"
        raise data_error("E0611", message, spec.span, hints=hints)


def place(table: Table, row: int, column: int) -> str:
    """`boston.csv, row 17, column 'age'`."""
    return f"{table.name}, row {table.row(row)}, column '{table.columns[column]}'"


def refuse_missing(
    table: Table, missing: np.typing.NDArray[np.bool_], spec: DataSpec, role: Literal["input", "target"]
) -> None:
    """Raises E0609 for the first missing cell and counts the others."""
    row, column = (int(i) for i in np.argwhere(missing)[0])
    what = "missing" if table.lines is not None else "missing (NaN)"
    rows = int(missing.any(axis=1).sum())
    first = table.reading is not None and not table.reading.header and table.row(row) == table.reading.first
    filled = "; `missing = mean` puts the training part's mean of the column there" if role == "input" else ""
    raise data_error(
        "E0609",
        f"{place(table, row, column)}: the value is {what}",
        spec.span,
        notes=[
            f"{count(int(missing.sum()), 'missing value')} in {count(rows, 'row')} of {len(missing)}",
            *(table.guess if first else []),
        ],
        hints=[
            "`header = true` reads the names of the columns from it" if first else "",
            f"`missing = drop` leaves these samples out{filled}",
        ],
    )


def _refuse_text(table: Table, column: int, spec: DataSpec, role: Literal["input", "target"]) -> None:
    cells = table.text[column]
    words = [(row, cell) for row, cell in enumerate(cells) if number(cell, table.decimal) is None]
    row, cell = words[0]
    first = table.reading is not None and table.row(row) == table.reading.first
    notes = [f"text in this column: {len(words)} of {count(len(cells), 'value')}"]
    if table.decimal == "point" and all(THOUSANDS.fullmatch(word.strip()) for _, word in words):
        hint = (
            "1,234 may be 1234 or 1.234: write numbers without a sign of thousands, or say `decimal = comma`"
        )
    elif hint := notation(cell, table.decimal):
        pass
    elif first and len(words) == 1:
        notes += table.guess
        named = table.reading is not None and table.reading.header
        hint = "correct this row, or say what it is: `header = true`"
        if named:
            sample = bool(np.isfinite(table.values[row].astype(np.float64)).any())
            hint = "remove this row if it holds units: one row names the columns"
            hint = "correct this cell; what is missing is left empty, or NA" if sample else hint
    elif len(words) < len(cells):
        hint = "correct these cells"
    elif unit_of(cell):
        labels = "; of labels it is said how many there are, `classes = 3`" if role == "target" else ""
        hint = f"a number stands without its unit{labels}"
    elif role == "input" and TIME.match(cell.strip()):
        hint = "a date is no number: leave its column out, or count from the first: (t - t.iloc[0]).dt.total_seconds()"
    elif role == "input":
        hint = _leave_out(table)
    else:
        hint = "text is fit for a single target, whose labels are then classes"
    message = f"{place(table, row, column)}: {_quoted(cell)} is not a number"
    raise data_error("E0610", message, spec.span, notes=notes, hints=[hint])


def _leave_out(table: Table) -> str:
    """The setting that names the columns of numbers; or how text becomes numbers."""
    names = [name for index, name in enumerate(table.columns) if index not in table.text]
    codes = "or write a column of 0 and 1 for each of its words: pandas.get_dummies(table, dtype=int)"
    if not 0 < len(names) <= 12:
        return f"name the columns of numbers with `inputs = (...)`, {codes}"
    listed = ", ".join(name if name.isidentifier() else f'"{name}"' for name in names)
    setting = f"({listed})" if len(names) > 1 else listed
    return f"leave text out with `inputs = {setting}`, {codes}"


def _quoted(cell: str) -> str:
    return f"'{cell}'" if len(cell) <= 30 else f"'{cell[:27]}...'"

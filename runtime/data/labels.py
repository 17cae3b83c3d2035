"""Classes in a target column: their labels, in order, and the code of each sample.

A text column always holds classes, unless its texts are numbers in another notation. A numeric one can be read as
classes if its values are few consecutive integers (0 to 9) or -1 and 1; the values stay as they are then, since a
regression may be meant. Other whole numbers are classes where `classes` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.columns import require_numbers, setting_span
from netc.runtime.data.errors import count, data_error, listing
from netc.runtime.data.notations import notation, unit_of
from netc.runtime.data.scaling import Array
from netc.runtime.data.table import Table, is_number, number
from netc.runtime.data.whole_numbers import EXACT

_MOST = 100
"""More consecutive integers than these are taken for a quantity, unless `classes` says otherwise."""
_FEW = 20
"""Labels of which each may stand once: more are a name or a date for each sample."""


@dataclass(frozen=True, eq=False)
class Targets:
    values: Array
    """(N, targets): raw, or codes of a text column."""
    labels: tuple[str, ...] = ()
    text: bool = False


def read_targets(targets: Sequence[Table], spec: DataSpec) -> Targets:
    """The targets of the training and the test part together, and the classes if it is a single column."""
    if len(targets[0].columns) != 1:
        if spec.classes:
            message = f"classes = {spec.classes} wants a single target column, not {len(targets[0].columns)}"
            raise data_error("E0616", message, setting_span(spec, "classes"))
        return Targets(_numbers(targets, spec))
    if any(table.text for table in targets):
        return _text_classes(targets, spec)
    values = _numbers(targets, spec)
    return Targets(values, _number_labels(values, targets[0].columns[0], spec))


def _numbers(targets: Sequence[Table], spec: DataSpec) -> Array:
    for table in targets:
        require_numbers(table, spec, "target")
    return np.concatenate([table.values for table in targets], dtype=np.float64)


def _text_classes(targets: Sequence[Table], spec: DataSpec) -> Targets:
    if not spec.classes:
        for table in targets:
            _require_labels(table, spec)
    cells = np.array([cell.strip() for table in targets for cell in _cells(table)])
    labels, codes = np.unique(cells, return_inverse=True)
    name = targets[0].columns[0]
    if len(labels) == 1:
        message = f"column '{name}' holds one label only, '{labels[0]}': there is nothing to learn"
        raise data_error("E0616", message, setting_span(spec, "target"))
    if len(labels) == len(cells) > _FEW and not spec.classes:
        message = (
            f"column '{name}' holds a text of its own for each of {len(cells)} samples: these are no classes"
        )
        notes = [f"texts: {listing([str(label) for label in labels], 4)}"]
        raise data_error("E0616", message, setting_span(spec, "target"), notes=notes)
    if spec.classes and len(labels) != spec.classes:
        held = f"column '{name}' holds {count(len(labels), 'label')}"
        raise data_error(
            "E0616",
            f"classes = {spec.classes}, but {held}",
            setting_span(spec, "classes"),
            notes=[f"labels: {listing([str(label) for label in labels])}"],
        )
    return Targets(codes.reshape(-1, 1).astype(np.float64), tuple(str(label) for label in labels), True)


def _cells(table: Table) -> Sequence[str]:
    """Of the single column; numbers as they are written where another part of the data holds text."""
    return table.text.get(0) or [f"{value:g}" for value in table.values[:, 0]]


def _require_labels(table: Table, spec: DataSpec) -> None:
    """Refuses texts among numbers, and texts that are all numbers in another notation, or with the same unit."""
    cells = table.text.get(0, ())
    numbers = any(is_number(cell, table.decimal) for cell in cells)
    words = [cell for cell in cells if number(cell, table.decimal) is None]
    if words and (numbers or all(notation(cell, table.decimal) for cell in words)):
        require_numbers(table, spec, "target")
    units = {unit_of(cell) for cell in words}
    if (
        len(units) == 1 and "" not in units and len({*words}) > 2 and not spec.classes
    ):  # as 12 kg, 13 kg, 15 kg
        require_numbers(table, spec, "target")


def _number_labels(column: Array, name: str, spec: DataSpec) -> tuple[str, ...]:
    values = np.unique(column)
    whole = bool(np.all(values == np.round(values)))
    if (spec.classes or spec.only) and np.abs(values).max() >= EXACT:
        message = f"column '{name}' holds whole numbers above 2^53, which are rounded as they are read"
        hint = "labels that are long numbers are written with a letter, as in n9007199254740993"
        raise data_error("E0616", message, setting_span(spec, "target"), hints=[hint])
    if spec.classes:
        return _stated(values, whole, name, spec)
    if spec.only and whole and len(values) > 1:
        return tuple(str(int(value)) for value in values)
    consecutive = whole and 1 < len(values) <= _MOST and values[-1] - values[0] == len(values) - 1
    signs = values.tolist() == [-1.0, 1.0]
    return tuple(str(int(value)) for value in values) if consecutive or signs else ()


def _stated(values: Array, whole: bool, name: str, spec: DataSpec) -> tuple[str, ...]:
    """With `classes = K`: the codes 0..K-1, some of which may be absent, or exactly K integers."""
    if whole and values[0] >= 0 and values[-1] < spec.classes:
        return tuple(str(code) for code in range(spec.classes))
    if whole and len(values) == spec.classes:
        return tuple(str(int(value)) for value in values)
    what = f"{len(values)} different values from {values[0]:g} to {values[-1]:g}"
    raise data_error(
        "E0616",
        f"classes = {spec.classes}, but column '{name}' holds {what}",
        setting_span(spec, "classes"),
        notes=[
            f"fit are the integers 0 to {spec.classes - 1}, or {spec.classes} different integers or labels"
        ],
    )


def whole_values(column: Array) -> int:
    """How many different whole numbers a column holds, where they are few enough to be classes; else 0."""
    values = np.unique(column)
    few = 1 < len(values) <= _MOST and bool(np.all(values == np.round(values)))
    return len(values) if few else 0

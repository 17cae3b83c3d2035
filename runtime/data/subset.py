"""Samples of some classes, and so many of each: `only = {3, 8}`, `each = 10`. Which part they are in is `parts.py`'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.columns import setting_span
from netc.runtime.data.errors import count, data_error, listing
from netc.runtime.data.named_sets import Parts
from netc.runtime.data.parts import Indices
from netc.runtime.data.table import Table, number
from netc.runtime.random import Purpose, permutation

Pair = tuple[Table, Table]
"""Inputs and targets."""


def of_classes(parts: Parts, spec: DataSpec) -> Parts:
    """The samples whose class is one of `only`, in every part."""
    if not spec.only:
        return parts
    if len(parts.targets.columns) != 1:
        message = f"only = ... chooses classes, and there are {len(parts.targets.columns)} target columns"
        raise data_error("E0633", message, setting_span(spec, "only"))
    pairs = [(parts.inputs, parts.targets), *(pair for pair in (parts.test, parts.validation) if pair)]
    there = {label for _, targets in pairs for label in np.unique(_labels(targets)).tolist()}
    if missing := [label for label in spec.only if _plain(label) not in there]:
        message = f"no sample has the class '{missing[0]}'"
        notes = [f"classes: {listing(sorted(there), 20)}"]
        raise data_error("E0633", message, setting_span(spec, "only"), notes=notes)

    def chosen(pair: Pair | None) -> Pair | None:
        if pair is None:
            return None
        rows = np.flatnonzero(np.isin(_labels(pair[1]), [_plain(label) for label in spec.only]))
        return pair[0].rows(rows), pair[1].rows(rows)

    first = chosen((parts.inputs, parts.targets))
    assert first is not None
    return replace(
        parts, inputs=first[0], targets=first[1], test=chosen(parts.test), validation=chosen(parts.validation)
    )


def _labels(targets: Table) -> Sequence[str]:
    """Of each sample, numbers as they are shortest."""
    cells = targets.text.get(0)
    return [cell.strip() for cell in cells] if cells else [f"{value:g}" for value in targets.values[:, 0]]


def _plain(label: str) -> str:
    value = number(label)
    return label if value is None else f"{value:g}"


def of_each(train: Indices, codes: Indices | None, labels: Sequence[str], spec: DataSpec) -> Indices:
    """`each` training samples of each class that trains: the first ones in the order of the split's permutation."""
    if not spec.each:
        return train
    if codes is None:
        message = "each = ... counts samples of a class, and the target holds numbers"
        hint = "`classes = K` reads whole numbers as classes"
        raise data_error("E0633", message, setting_span(spec, "each"), hints=[hint])
    order = permutation(len(codes), spec.seed, 0, Purpose.SPLIT)
    order = order[np.isin(order, train)]
    found = [order[codes[order] == code] for code in np.unique(codes[train])]
    for members in found:
        if len(members) < spec.each:
            held = count(len(members), "training sample")
            message = f"each = {spec.each}, but class '{labels[codes[members[0]]]}' has {held}"
            raise data_error("E0633", message, setting_span(spec, "each"))
    return np.sort(np.concatenate([members[: spec.each] for members in found]))

"""From tables to a data set: chooses columns, judges the cells, codes classes, splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.borrowed import Borrowed
from netc.runtime.data.columns import (
    choose_columns,
    require_exact,
    require_numbers,
    setting_span,
    with_truths,
)
from netc.runtime.data.computed import computed
from netc.runtime.data.dataset import Account, Dataset, codes_of
from netc.runtime.data.errors import count, data_error
from netc.runtime.data.gaps import fill_of, without_gaps
from netc.runtime.data.label_noise import with_label_noise
from netc.runtime.data.labels import read_targets
from netc.runtime.data.named_sets import Parts
from netc.runtime.data.parts import short, split
from netc.runtime.data.sample_weights import require_weights
from netc.runtime.data.subset import of_classes, of_each
from netc.runtime.data.table import Table
from netc.runtime.data.validation import with_validation
from netc.runtime.data.windows import windowed


def assemble(
    read: Table | Parts, spec: DataSpec, source: str, validation: Table | Parts | None = None
) -> Dataset:
    """The data set of what was read; `validation` are samples beside it."""
    tables = (read.inputs, read.targets) if isinstance(read, Parts) else (read,)
    parts = with_validation(choose_columns(read, spec), spec, validation)
    texts = set(parts.inputs.text)
    _require_exact(parts, spec)
    samples, held = len(parts.inputs.values), len(parts.targets.values)
    if samples != held:
        message = f"{count(samples, 'sample')} in {parts.inputs.name}, but {held} in {parts.targets.name}"
        notes = [f"{table.name}: {guess}" for table in tables for guess in table.guess]
        raise data_error("E0614", message, spec.span, notes=notes)
    if samples == 0:
        raise data_error("E0607", f"{parts.inputs.name} holds no samples", spec.span)
    read_as_numbers = _prepared(parts, spec)
    parts, dropped = without_gaps(read_as_numbers, spec)
    parts = of_classes(windowed(parts, spec), spec)
    account = Account(
        tuple((table.name, table.reading) for table in tables if table.reading),
        dropped,
        left_out=tuple(name for name, empty in _left_out(tables, spec) if not empty),
        empty=tuple(name for name, empty in _left_out(tables, spec) if empty),
        truths=tuple(parts.inputs.columns[i] for i in sorted(texts - set(parts.inputs.text))),
        axes=tuple((table.name, table.axes) for table in _of_inputs(read, validation) if table.axes),
    )
    inputs, targets, samples = parts.inputs, parts.targets, len(parts.inputs.values)
    if spec.limit:
        if spec.limit > samples:
            message = f"limit = {spec.limit}, but {inputs.name} holds {count(samples, 'sample')}"
            raise data_error("E0615", message, setting_span(spec, "limit"))
        parts = replace(parts, inputs=inputs.head(spec.limit), targets=targets.head(spec.limit))
    return _dataset(parts, spec, source, account)


def _of_inputs(*read: Table | Parts | None) -> Iterator[Table]:
    for one in read:
        if isinstance(one, Parts):
            yield from (one.inputs, *(pair[0] for pair in (one.test, one.validation) if pair))
        elif one is not None:
            yield one


def _require_exact(parts: Parts, spec: DataSpec) -> None:
    for x, y in [(parts.inputs, parts.targets), *(pair for pair in (parts.test, parts.validation) if pair)]:
        require_exact(x, spec, "input")
        if not (spec.classes or spec.only):  # of classes it is said behind
            require_exact(y, spec, "target")


def _prepared(parts: Parts, spec: DataSpec) -> Parts:
    """Columns of truths as numbers, targets computed."""
    several = len(parts.targets.columns) > 1

    def ready(pair: tuple[Table, Table]) -> tuple[Table, Table]:
        x, y = with_truths(pair[0]), with_truths(pair[1]) if several or spec.of_inputs else pair[1]
        return x, computed(y, spec)

    others = (ready(pair) if pair else None for pair in (parts.test, parts.validation))
    return Parts(*ready((parts.inputs, parts.targets)), *others)


def _left_out(tables: Sequence[Table], spec: DataSpec) -> Iterator[tuple[str, bool]]:
    """Names of columns, and whether they are empty."""
    named = {*spec.inputs, *spec.target}
    for table in tables:
        for i in sorted(table.index):
            if table.columns[i] not in named:
                yield table.columns[i], i not in table.text and bool(np.isnan(table.values[:, i]).all())


def _dataset(parts: Parts, spec: DataSpec, source: str, account: Account) -> Dataset:
    split_given = spec.split != 1.0 or any(name == "split" for name, _ in spec.spans)
    test = None if split_given else parts.test  # the set's own, if it has one
    pairs = [(parts.inputs, parts.targets), *(pair for pair in (test, parts.validation) if pair)]
    x = _inputs([x for x, _ in pairs], spec)
    lent = spec.kind == "arrays" and x is parts.inputs.values
    x = x.copy() if lent and spec.of_inputs else x
    goal = read_targets([y for _, y in pairs], spec)
    by_class = goal.labels and (spec.stratify or spec.each or spec.label_noise)
    codes = codes_of(goal.values, goal.labels, goal.text) if by_class else None
    train, held, tested = split(len(parts.inputs.values), spec, codes, goal.labels)
    train = of_each(train, codes, goal.labels, spec)
    at = len(parts.inputs.values)
    weights = None
    if spec.weights:
        weights, x = x[:, -1].copy(), np.ascontiguousarray(x[:, :-1])
        require_weights(weights, train, parts.inputs, spec)
    if test is not None:
        tested, at = np.arange(at, at + len(test[0].values)), at + len(test[0].values)
    if parts.validation is not None:
        held = np.arange(at, len(x))
    columns = parts.inputs.columns[:-1] if spec.weights else parts.inputs.columns
    names = columns, parts.targets.columns
    trained = None if weights is None else weights[train]
    fill = fill_of(x[train], names[0], spec, trained) if spec.missing == "mean" else None
    drawn, anew = with_label_noise(goal, codes, train, spec)
    account = replace(account, filled=int(np.isnan(x).sum()) if fill else 0, redrawn=len(anew))
    account = replace(account, relabelled=int((drawn != goal.values).sum()))
    x = fill.apply(x) if fill else x
    y = x if spec.of_inputs else drawn
    roundings = tuple(_rounding(table.values.dtype) for table in (parts.inputs, parts.targets))
    train, held, tested = (short(part, len(x)) for part in (train, held, tested))
    named, given = parts.inputs.named, Borrowed.of(x) if lent and x is parts.inputs.values else x
    return Dataset(
        given, y, *names, goal.labels, goal.text, train, tested, source, account, fill, named, *roundings,
        validation=held, weights=weights,
    )  # fmt: skip


def _inputs(tables: Sequence[Table], spec: DataSpec) -> Any:
    """(N, C) of all tables, in float32 where all are and nothing is computed of them."""
    for table in tables:
        require_numbers(table, spec, "input", gaps_allowed=spec.missing == "mean")
    computes = spec.weights or spec.of_inputs or spec.missing == "mean"
    single = not computes and all(table.values.dtype == np.float32 for table in tables)
    return _together([table.values for table in tables], np.float32 if single else np.float64)


def _together(arrays: Sequence[NDArray[Any]], kind: type[np.floating]) -> NDArray[Any]:
    """The rows of all. A single array that is of this type is not copied: its rows may lie a little apart, as columns of a
    table that holds the targets as well."""
    first = arrays[0]
    row = first.shape[1] * first.itemsize
    side_by_side = first.strides[1] == first.itemsize and row <= first.strides[0] <= 2 * row
    as_it_is = first.dtype == kind and first.flags.aligned and (first.flags.forc or side_by_side)
    return first if len(arrays) == 1 and as_it_is else np.concatenate(arrays, dtype=kind)


def _rounding(kind: np.dtype[Any]) -> float:
    return float(np.finfo(kind).eps) if kind.kind == "f" else 0.0

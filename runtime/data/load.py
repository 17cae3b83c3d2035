"""From the `data` statement, or from the arrays of a Python caller, to a data set: what is read, and from where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from netc.compiler.meaning.generated import Generated, Row
from netc.compiler.meaning.resolve_values import NotANumber
from netc.compiler.meaning.spec import GIVEN_WEIGHTS, DataSpec, Facts
from netc.dsl.source import Span
from netc.runtime.data.assemble import assemble
from netc.runtime.data.callers import tables_of
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.errors import data_error
from netc.runtime.data.named_sets import SETS, Parts, read_named
from netc.runtime.data.parts import sizes
from netc.runtime.data.readers import read_file
from netc.runtime.data.sample_weights import with_given
from netc.runtime.data.table import Table, from_array
from netc.runtime.random import Purpose, normal, uniform


def load(spec: DataSpec, source_folder: Path | None = None) -> Dataset:
    """Reads what the `data` statement names; DataError where it is missing or unfit.

    `source_folder` is that of the `.net` file, the first place where IDX sets are looked for.
    """
    match spec.kind:
        case "named":
            folder = source_folder or _folder_of(spec.span)
            return _with_files(read_named(spec.origin[0], folder, spec.span), spec, spec.origin[0])
        case "files":
            names = ", ".join(Path(file).name for file in spec.origin)
            return _with_files(_tables_of_files(spec.origin, spec), spec, names)
        case "inline" | "generated":
            return _with_files(_from_rows(spec), spec, f"{spec.kind} samples")
        case "none" | "arrays":
            wanted = "give the arrays: model.train(X, y)"
            raise data_error("E0607", "there are no data to read", spec.span, hints=[wanted])
        case _:
            assert_never(spec.kind)


def from_arrays(
    x: Any, y: Any, spec: DataSpec, validation: tuple[Any, Any] | None = None, weights: Any = None
) -> Dataset:
    """The data set of a Python caller: arrays, nested lists, or pandas frames and series.

    `x` is (N, ...) with one sample a row; `y` is (N,) or (N, targets), numbers or text, or None where
    the targets are columns of the frame `x`, or its inputs (`target = inputs`). `validation` are such a pair.
    `weights` are (N,), of the samples of `x`, where the file says `weights = given`.
    """
    tables = tables_of(x, y, spec)
    held = tables_of(*validation, spec) if validation is not None else None
    if spec.weights == GIVEN_WEIGHTS:
        tables = with_given(tables, weights)
        held = with_given(held, None) if held is not None else None
    return _with_files(tables, spec, "arrays", held)


def known_facts(spec: DataSpec) -> Facts | None:
    """What is known of a named set that is not on this machine, taken as it comes; else None."""
    entry = SETS.get(spec.origin[0]) if spec.kind == "named" else None
    if (
        entry is None
        or spec.only
        or spec.each
        or spec.target
        or spec.inputs
        or spec.of_inputs
        or spec.weights
        or spec.window
    ):
        return None
    samples = min(spec.limit or entry.samples, entry.samples)
    train, held = sizes(samples, spec)
    return Facts(entry.inputs, 1, train - held, tuple(map(str, range(spec.classes or entry.classes))))


def _folder_of(span: Span) -> Path | None:
    name = span.source.name
    return None if name.startswith("<") else Path(name).resolve().parent


def _with_files(
    read: Table | Parts, spec: DataSpec, source: str, validation: Table | Parts | None = None
) -> Dataset:
    """With the files of the validation part, where it has its own."""
    if spec.validation_files:
        validation = _tables_of_files(spec.validation_files, spec)
    return assemble(read, spec, source, validation)


def _tables_of_files(origin: tuple[str, ...], spec: DataSpec) -> Table | Parts:
    tables = tuple(table for file in origin for table in read_file(Path(file), spec.span, spec.style))
    match tables:
        case (table,):
            return table
        case (inputs, targets):
            return Parts(inputs, targets)
        case _:
            message = f"data takes one file or two (inputs, targets), not {len(tables)}"
            raise data_error("E0614", message, spec.span)


def _from_rows(spec: DataSpec) -> Parts:
    rows = _noisy(spec.noisy, spec) if spec.noisy else spec.rows
    if not rows:
        raise data_error("E0607", f"the {spec.kind} data hold no samples", spec.span)
    inputs, outputs = rows[0]
    for at, row in enumerate(rows, start=1):
        if (len(row[0]), len(row[1])) != (len(inputs), len(outputs)):
            widths = f"{len(row[0])} -> {len(row[1])} numbers, but row 1 has {len(inputs)} -> {len(outputs)}"
            raise data_error("E0608", f"the {spec.kind} data, row {at}: {widths}", spec.span)
    name = f"the {spec.kind} data"
    x = np.array([row[0] for row in rows], dtype=np.float64)
    y = np.array([row[1] for row in rows], dtype=np.float64)
    return Parts(_with_names(from_array(name, x, "x"), spec.names), from_array(name, y, "y"))


def _with_names(inputs: Table, names: tuple[str, ...]) -> Table:
    """A frame is read by them where they are names, not where they are formulas."""
    own = all(name.isidentifier() for name in names)
    return replace(inputs, columns=names, named=own) if names else inputs


def _noisy(made: Generated, spec: DataSpec) -> tuple[Row, ...]:
    """The rows with their noise: numbers of the standard laws, keyed by the seed and the number of the noise."""
    laws = {"normal": normal, "uniform": uniform}
    drawn = [
        laws[noise.law](spec.seed, k, Purpose.NOISE, len(made.points)) for k, noise in enumerate(made.noises)
    ]
    try:
        return tuple(made.rows(lambda i, k: float(drawn[k][i])))
    except NotANumber as problem:
        raise data_error("E0611", f"with the noise of this seed {problem.reason}", problem.span) from None

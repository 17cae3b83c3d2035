"""The validation part that stands in files or arrays of its own: its columns, and whether it can judge.

A part that is drawn from the training samples is `parts.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from netc.compiler.meaning.spec import DataSpec, Judged, Training
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span
from netc.runtime.data.columns import choose_columns, setting_span
from netc.runtime.data.errors import count, data_error, listing
from netc.runtime.data.named_sets import Parts
from netc.runtime.data.parts import Indices, folds_of
from netc.runtime.data.table import Table

if TYPE_CHECKING:
    from netc.runtime.data.dataset import Dataset


def with_validation(parts: Parts, spec: DataSpec, read: Table | Parts | None) -> Parts:
    """The parts with the validation part that was read: the same columns, by name where they have names."""
    if read is None:
        return parts
    inputs, targets = parts.inputs, parts.targets
    if isinstance(read, Table) or (inputs.named and read.inputs.named):
        own = inputs.columns[:-1] if spec.weights else inputs.columns
        columns = replace(spec, inputs=own, target=() if spec.of_inputs else targets.columns)
        spec = columns if isinstance(read, Table) else replace(columns, target=spec.target)
    found = choose_columns(read, spec)
    for had, has in ((inputs, found.inputs), (targets, found.targets)):
        if len(had.columns) != len(has.columns):
            wanted = count(len(had.columns), "column")
            message = f"{has.name} has {count(len(has.columns), 'column')}, {had.name} has {wanted}"
            raise data_error("E0614", message, setting_span(spec, "validation"))
    if len(found.inputs.values) != len(found.targets.values):
        sizes = count(len(found.inputs.values), "sample"), len(found.targets.values)
        message = f"{sizes[0]} in {found.inputs.name}, but {sizes[1]} in {found.targets.name}"
        raise data_error("E0614", message, setting_span(spec, "validation"))
    return replace(parts, validation=(found.inputs, found.targets))


def require_every_class(
    codes: Indices, parts: tuple[Indices, Indices], classes: Sequence[object], spec: DataSpec
) -> None:
    """Refuses a (training, validation) pair of parts of which the second lacks a class that the first has."""
    trained, held = (np.bincount(codes[part], minlength=len(classes)) for part in parts)
    lost = [str(label) for label, t, v in zip(classes, trained, held, strict=True) if t and not v]
    if not lost or not len(parts[1]):
        return
    part = f"fold {spec.fold}" if spec.folds else "the validation part"
    message = f"class '{lost[0]}' has no sample in {part}, which then cannot judge it"
    notes = [f"such classes: {listing(lost)}"] if len(lost) > 1 else []
    hints = ["`stratify = true` gives each part its share of every class"]
    hints = ["add samples of it to the file"] if spec.validation_files else hints
    setting = "folds" if spec.folds else "validation"
    raise data_error("E0630", message, setting_span(spec, setting), notes=notes, hints=hints)


def require_every_class_in_folds(data: Dataset, classes: Sequence[object], spec: DataSpec) -> None:
    """The same of all folds, before the first one is trained. Where the training samples are fewer or have other labels in
    each fold (`each`, `label_noise`) a fold is judged as its turn comes."""
    if spec.each or spec.label_noise:
        return
    side = np.union1d(data.train, data.validation)
    drawn = spec.split != 1.0 or any(name == "split" for name, _ in spec.spans)
    # A test part of the set's own is no part of the permutation.
    samples = len(side) + (len(data.test) if drawn else 0)
    for fold, held in enumerate(folds_of(side, samples, spec, data.codes), start=1):
        parts = np.setdiff1d(side, held), held
        require_every_class(data.codes, parts, classes, replace(spec, fold=fold))


def require_judged(
    training: Training, parts: Sequence[str], metric: str, statements: Sequence[ast.Statement]
) -> tuple[Diagnostic, ...]:
    """SpecError where what `keep` and `stop` judge by is not there; warnings where it should not be used."""
    warnings: list[Diagnostic] = []
    for name, judged in training.judged:
        warnings += require_there(name, judged, _span_of(name, statements), parts, metric)
    return tuple(warnings)


def require_there(
    name: str, judged: Judged, span: Span, parts: Sequence[str], metric: str
) -> tuple[Diagnostic, ...]:
    """The same of one figure that something of this name judges by."""
    if judged.part not in parts:
        raise SpecError([_no_part(name, judged, span)])
    if judged.figure in ("accuracy", "r2") and judged.figure != metric:
        message = f"{name} judges by {judged.figure}, which this training does not have"
        hint = f"it has {metric or 'loss'}({judged.part})"
        raise SpecError([Diagnostic("E0432", message, span, hints=(hint,))])
    if judged.part != "test":
        return ()
    message = f"{name} chooses by {judged.written}: {judged.figure}(test) then no longer tells of new samples"
    hint = "hold samples back for the choice: data ..., validation = 20%"
    return (Diagnostic("E0434", message, span, hints=(hint,), severity="warning"),)


def _no_part(name: str, judged: Judged, span: Span) -> Diagnostic:
    setting = "validation = 20%" if judged.part == "validation" else "split = 80%"
    message = f"{name} judges by {judged.written}, but the data have no {judged.part} part"
    return Diagnostic("E0433", message, span, hints=(f"hold samples back: data ..., {setting}",))


def _span_of(name: str, statements: Sequence[ast.Statement]) -> Span:
    return next(
        s.value.span for t in statements if isinstance(t, ast.Train) for s in t.settings if s.name == name
    )

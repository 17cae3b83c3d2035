"""A `.net` text and what it can be checked with: its data, or arrays in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netc.compiler import pipeline
from netc.compiler.check.several.phases import at_its_phase
from netc.compiler.check.several.sweep_point import with_folds
from netc.compiler.meaning.spec import GIVEN_WEIGHTS, DataSpec, Facts, Spec
from netc.dsl import ast, reading
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Source
from netc.runtime.data import load as datasets
from netc.runtime.data.dataset import Dataset, facts

Overrides = Mapping[str, str | float | ast.Expr]


@dataclass(frozen=True)
class File:
    """A `.net` text, parsed, and where its paths begin."""

    source: Source
    folder: Path
    program: ast.Program


def read_file(path: Path, name: str | None = None) -> File:
    """Raises OSError or SpecError."""
    name = name or str(path)
    return read_text(reading.read_text(path, name), name, path.absolute().parent)


def read_text(text: str, name: str, folder: Path) -> File:
    source = Source(name, text)
    return File(source, folder, with_folds(pipeline.to_ast(source)))


def read_data(file: File) -> Dataset | None:
    """What the `data` statement names; None where the file has none. What is wrong with them hides nothing else that
    is wrong with the file. Raises DataError, or SpecError where there is more."""
    try:
        return read_data_alone(file)
    except SpecError as error:
        others = [d for d in _errors_without_data(file) if d not in error.diagnostics]
        if not others:
            raise
        raise SpecError([*error.diagnostics, *others]) from None


def read_data_alone(file: File) -> Dataset | None:
    """Where the rest of the file is of no concern."""
    phases = [s for s in file.program.statements if isinstance(s, ast.Phase)]
    try:
        spec = pipeline.to_data_spec(file.program, file.folder)
        return None if spec.kind in ("none", "arrays") else datasets.load(spec, file.folder)
    except SpecError as error:  # the data of a file with phases are those of the last one
        raise (at_its_phase(error, phases[-1].settings, phases[-1].name) if phases else error) from None


def _errors_without_data(file: File) -> list[Diagnostic]:
    try:
        pipeline.to_spec(file.program, None, file.folder)
    except SpecError as error:
        return [d for d in error.diagnostics if d.severity == "error"]
    return []


def known_facts(file: File) -> Facts | None:
    """What is known of the file's data before they are read: the sizes of a named set."""
    return datasets.known_facts(pipeline.to_data_spec(file.program, file.folder))


def check(file: File, data: Dataset | None, overrides: Overrides) -> Spec:
    """The checked file. Raises SpecError."""
    known = facts(data) if data else known_facts(file)
    return pipeline.to_spec(file.program, known, file.folder, overrides)


def from_arrays(
    file: File, x: Any, y: Any, validation: tuple[Any, Any] | None = None, weights: Any = None
) -> Dataset:
    """Arrays in the place of the file's data, with the settings of its `data` statement; `validation`: (X, y) of a
    validation part, instead of the one that the file speaks of; `weights` (N,) of the samples."""
    stated = pipeline.to_data_spec(file.program, file.folder)
    columns = {} if y is None else {"target": (), "inputs": (), "computed": ()}
    fields = {
        **vars(stated),
        "kind": "arrays",
        "origin": (),
        "rows": (),
        "noisy": None,
        "names": (),
        **columns,
    }
    if validation is not None:
        fields |= {"validation": 0.0, "validation_files": ()}
    if weights is not None:
        fields["weights"] = GIVEN_WEIGHTS
    return datasets.from_arrays(x, y, DataSpec(**fields), validation, weights)

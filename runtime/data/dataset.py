"""From the `data` statement to arrays: reads, chooses columns, judges the cells, codes classes, splits.

Values stay raw here: scaling is `scaling.py`'s, and whether integers are classes or numbers is decided by the
network and the loss. The order of the samples is that of the data, also within the training and test part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, assert_never

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import DataSpec, Facts
from netc.dsl.source import Span
from netc.runtime.data.columns import choose_columns, require_numbers, setting_span
from netc.runtime.data.errors import count, data_error
from netc.runtime.data.labels import read_targets
from netc.runtime.data.named_sets import SETS, Parts, read_named
from netc.runtime.data.readers import read_file
from netc.runtime.data.scaling import Array, one_hot
from netc.runtime.data.table import Table, from_array, from_columns
from netc.runtime.random import Purpose, permutation

Indices = NDArray[np.int64]
Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Dataset:
    x: Array
    """(N, inputs) raw."""
    y: Array
    """(N, targets) raw values; the codes 0..K-1 where the target is text."""
    input_names: tuple[str, ...]
    target_names: tuple[str, ...]
    labels: tuple[str, ...]
    """Of the K classes, sorted, where the single target can be read as classes; else empty."""
    text: bool
    """Whether the target is text, so that `y` holds codes."""
    train: Indices
    test: Indices
    source: str
    """For the manifest: the name of the set, the files, ..."""
    kept: dict[str, tuple[Any, Any]] = field(default_factory=dict, repr=False)
    """What was made of the samples last, with what it hangs on besides: see `made`."""

    def made(self, what: str, depends: Any, make: Callable[[], Made]) -> Made:
        """What `make` makes of these samples, made anew only where it depends on something else than last time."""
        if what not in self.kept or self.kept[what][0] != depends:
            self.kept.pop(what, None)  # before there is another
            self.kept[what] = depends, make()
        found: Made = self.kept[what][1]
        return found

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: only what cannot be made again."""
        return {**vars(self), "kept": {}}

    @cached_property
    def codes(self) -> Indices:
        """(N,) the class of each sample, an index into `labels`; only where there are labels."""
        if self.text:
            return self.y[:, 0].astype(np.int64)
        values = np.array([float(label) for label in self.labels])
        return np.searchsorted(values, self.y[:, 0]).astype(np.int64)

    @cached_property
    def classes(self) -> Array:
        """(N, K) one-hot targets; only where there are labels."""
        return one_hot(self.codes, len(self.labels))

    @cached_property
    def digest(self) -> str:
        """sha256 of the samples, their names and labels, independent of the format of the file."""
        sha = hashlib.sha256(repr((self.input_names, self.target_names, self.labels)).encode())
        for array in (self.x, self.y):
            sha.update(repr(array.shape).encode())
            sha.update(np.ascontiguousarray(array, dtype="<f8").data)
        return sha.hexdigest()


def load(spec: DataSpec, source_folder: Path | None = None) -> Dataset:
    """Reads what the `data` statement names; DataError where it is missing or unfit.

    `source_folder` is that of the `.net` file, the first place where IDX sets are looked for.
    """
    match spec.kind:
        case "named":
            folder = source_folder or _folder_of(spec.span)
            return _assemble(read_named(spec.origin[0], folder, spec.span), spec, spec.origin[0])
        case "files":
            names = ", ".join(Path(file).name for file in spec.origin)
            return _assemble(_read_files(spec), spec, names)
        case "inline" | "generated":
            return _assemble(_from_rows(spec), spec, f"{spec.kind} samples")
        case "none" | "arrays":
            wanted = "give the arrays: model.train(X, y)"
            raise data_error("E0607", "there are no data to read", spec.span, hints=[wanted])
        case _:
            assert_never(spec.kind)


def from_arrays(x: Any, y: Any, spec: DataSpec) -> Dataset:
    """The data set of a Python caller: arrays, nested lists, or pandas frames and series.

    `x` is (N, ...) with one sample a row; `y` is (N,) or (N, targets), numbers or text, or None where
    the targets are columns of the frame `x`.
    """
    inputs = _table_of("x", x, "x", spec.span)
    if y is None:
        return _assemble(inputs, spec, "arrays")
    return _assemble(Parts(inputs, _table_of("y", y, "y", spec.span)), spec, "arrays")


def facts(dataset: Dataset) -> Facts:
    """What the checker must know of the data."""
    inputs, targets = dataset.x.shape[1], dataset.y.shape[1]
    return Facts(inputs, targets, len(dataset.train), dataset.labels, dataset.text)


def known_facts(spec: DataSpec) -> Facts | None:
    """What is known of a named set that is not on this machine, taken as it comes; else None."""
    entry = SETS.get(spec.origin[0]) if spec.kind == "named" else None
    if entry is None or spec.target or spec.inputs:
        return None
    samples = min(spec.limit or entry.samples, entry.samples)
    train = int(spec.split) if spec.split > 1 else int(spec.split * samples + 1e-9)
    return Facts(entry.inputs, 1, train, tuple(map(str, range(spec.classes or entry.classes))))


def _folder_of(span: Span) -> Path | None:
    name = span.source.name
    return None if name.startswith("<") else Path(name).resolve().parent


def _read_files(spec: DataSpec) -> Table | Parts:
    tables = tuple(table for file in spec.origin for table in read_file(Path(file), spec.span))
    match tables:
        case (table,):
            return table
        case (inputs, targets):
            return Parts(inputs, targets)
        case _:
            message = f"data takes one file or two (inputs, targets), not {len(tables)}"
            raise data_error("E0614", message, spec.span)


def _from_rows(spec: DataSpec) -> Parts:
    if not spec.rows:
        raise data_error("E0607", f"the {spec.kind} data hold no samples", spec.span)
    inputs, outputs = spec.rows[0]
    for at, row in enumerate(spec.rows, start=1):
        if (len(row[0]), len(row[1])) != (len(inputs), len(outputs)):
            widths = f"{len(row[0])} -> {len(row[1])} numbers, but row 1 has {len(inputs)} -> {len(outputs)}"
            raise data_error("E0608", f"the {spec.kind} data, row {at}: {widths}", spec.span)
    name = f"the {spec.kind} data"
    x = np.array([row[0] for row in spec.rows], dtype=np.float64)
    y = np.array([row[1] for row in spec.rows], dtype=np.float64)
    return Parts(from_array(name, x, "x"), from_array(name, y, "y"))


def _table_of(name: str, values: Any, prefix: str, span: Span) -> Table:
    """A table of whatever Python callers hold; frames and series are known by what they offer."""
    if hasattr(values, "columns") and hasattr(values, "iloc"):
        columns = [values.iloc[:, i].to_numpy() for i in range(len(values.columns))]
        return from_columns(name, values.columns, columns)
    label = getattr(values, "name", None) if hasattr(values, "iloc") else None
    if isinstance(values, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(values)
        values = np.ma.getdata(values).astype(object)
        values[masked] = None
    try:
        array = np.asarray(values)
    except ValueError:
        raise data_error("E0608", f"the rows of {name} are of different lengths", span) from None
    if array.ndim == 0:
        raise data_error("E0614", f"{name} is a single value, not a list of samples", span)
    table = from_array(name, array, prefix)
    return Table(name, (str(label),), table.values, table.text) if label is not None else table


def _assemble(read: Table | Parts, spec: DataSpec, source: str) -> Dataset:
    parts = choose_columns(read, spec)
    inputs, targets, test = parts.inputs, parts.targets, parts.test
    samples, held = len(inputs.values), len(targets.values)
    if samples != held:
        message = f"{count(samples, 'sample')} in {inputs.name}, but {held} in {targets.name}"
        raise data_error("E0614", message, spec.span)
    if samples == 0:
        raise data_error("E0607", f"{inputs.name} holds no samples", spec.span)
    if spec.limit:
        if spec.limit > samples:
            message = f"limit = {spec.limit}, but {inputs.name} holds {count(samples, 'sample')}"
            raise data_error("E0615", message, setting_span(spec, "limit"))
        inputs, targets, samples = inputs.head(spec.limit), targets.head(spec.limit), spec.limit
    split_given = spec.split != 1.0 or any(name == "split" for name, _ in spec.spans)
    if test is None or split_given:
        train, rest = split(samples, spec)
        return _dataset([inputs], [targets], (train, rest), spec, source)
    official = np.arange(samples), np.arange(samples, samples + len(test[0].values))
    return _dataset([inputs, test[0]], [targets, test[1]], official, spec, source)


def _dataset(
    inputs: Sequence[Table],
    targets: Sequence[Table],
    parts: tuple[Indices, Indices],
    spec: DataSpec,
    source: str,
) -> Dataset:
    for table in inputs:
        require_numbers(table, spec, "input")
    x = np.concatenate([table.values for table in inputs], dtype=np.float64)
    goal = read_targets(targets, spec)
    names = inputs[0].columns, targets[0].columns
    return Dataset(x, goal.values, *names, goal.labels, goal.text, *parts, source)


def split(samples: int, spec: DataSpec) -> tuple[Indices, Indices]:
    """(training, test) samples, both in the order of the data, drawn by a permutation keyed by the seed."""
    # The small number undoes rounding: 29% of 100 samples are 29, though 0.29*100 < 29.
    train = int(spec.split) if spec.split > 1 else int(spec.split * samples + 1e-9)
    if not 1 <= train <= samples:
        raise _bad_split(train, samples, spec)
    if train == samples:
        return np.arange(samples), np.arange(0)
    order = permutation(samples, spec.seed, 0, Purpose.SPLIT)
    return np.sort(order[:train]), np.sort(order[train:])


def _bad_split(train: int, samples: int, spec: DataSpec) -> Exception:
    if train > samples:
        message = f"split = {train} training samples, but there are only {samples}"
    else:
        message = f"the split leaves none of {count(samples, 'sample')} to train on"
    hint = "a fraction such as 80%, or a count of training samples above 1"
    return data_error("E0615", message, setting_span(spec, "split"), hints=[hint])

"""From the `data` statement to arrays: reads, chooses columns, judges the cells, codes classes, splits.

Values stay raw here: scaling is `scaling.py`'s, and whether integers are classes or numbers is decided by the
network and the loss. The order of the samples is that of the data, also within the training and test part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, assert_never

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.generated import Generated, Row
from netc.compiler.meaning.resolve_values import NotANumber
from netc.compiler.meaning.spec import GIVEN_WEIGHTS, DataSpec, Facts
from netc.dsl.source import NOWHERE, Span
from netc.runtime.data.blocks import blocks
from netc.runtime.data.borrowed import Borrowed
from netc.runtime.data.columns import (
    choose_columns,
    require_exact,
    require_numbers,
    setting_span,
    with_truths,
)
from netc.runtime.data.computed import computed
from netc.runtime.data.errors import count, data_error
from netc.runtime.data.gaps import Fill, fill_of, without_gaps
from netc.runtime.data.label_noise import with_label_noise
from netc.runtime.data.labels import read_targets, whole_values
from netc.runtime.data.named_sets import SETS, Parts, read_named
from netc.runtime.data.parts import Indices, short, sizes, split
from netc.runtime.data.readers import read_file
from netc.runtime.data.sample_weights import require_weights, with_given
from netc.runtime.data.scaling import DOUBLE, Array, one_hot
from netc.runtime.data.subset import of_classes, of_each
from netc.runtime.data.table import Reading, Table, from_array, from_columns, without_use
from netc.runtime.data.validation import with_validation
from netc.runtime.data.windows import windowed
from netc.runtime.random import Purpose, normal, uniform

Made = TypeVar("Made")


@dataclass(frozen=True)
class Account:
    """What was done to the data before they were arrays, so that it can be said."""

    readings: tuple[tuple[str, Reading], ...] = ()
    """Text tables: the name of each, and how it was read."""
    dropped: int = 0
    """Samples with a missing value that were left out."""
    filled: int = 0
    """Missing values that were replaced."""
    left_out: tuple[str, ...] = ()
    """Columns that only count or name the rows."""
    empty: tuple[str, ...] = ()
    """Columns without a name in which nothing stands; they are left out, too."""
    truths: tuple[str, ...] = ()
    """Columns of true and false, read as 1 and 0."""
    redrawn: int = 0
    """Training labels that were drawn anew."""
    relabelled: int = 0
    """Those of them that are others than in the data."""


@dataclass(frozen=True, eq=False)
class Dataset:
    inputs: NDArray[Any] | Borrowed
    """What `x` is, or where a caller has it."""
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
    account: Account = Account()
    fill: Fill | None = None
    """What stands in the place of missing inputs (`missing = mean`); `x` has it already."""
    named: bool = True
    """Whether the inputs have names of their own, so that a frame is read by them."""
    validation: Indices = field(default_factory=lambda: np.arange(0), kw_only=True)
    """Samples that neither train nor test; none unless the file asks for them."""
    rounding: float = DOUBLE
    """Of the type in which the inputs came, from 1 to the next number; 0 of whole numbers."""
    target_rounding: float = DOUBLE
    weights: Array | None = field(default=None, kw_only=True)
    """(N,) of the samples, where they have any."""
    kept: dict[str, tuple[Any, Any]] = field(default_factory=dict, repr=False, kw_only=True)
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
        return {**vars(self), "inputs": self.x, "kept": {}}

    @property
    def x(self) -> NDArray[Any]:
        """(N, inputs) raw, float64; float32 where all inputs came so and nothing was computed of them. Raises ValueError
        where the caller whose array it is has written to it."""
        return self.inputs.read() if isinstance(self.inputs, Borrowed) else self.inputs

    @property
    def width(self) -> int:
        """How many inputs there are."""
        return len(self.input_names)

    @property
    def codes(self) -> Indices:
        """(N,) the class of each sample, an index into `labels`; only where there are labels."""
        return self.codes_at(slice(None))

    def codes_at(self, rows: Indices | slice) -> Indices:
        """The same of some samples."""
        return codes_of(self.y[rows], self.labels, self.text)

    @property
    def trained_weights(self) -> Array | None:
        """Of the training part, where its samples have weights."""
        return None if self.weights is None else self.weights[self.train]

    @cached_property
    def classes(self) -> Array:
        """(N, K) one-hot targets; only where there are labels."""
        return one_hot(self.codes, len(self.labels))

    @cached_property
    def digest(self) -> str:
        """sha256 of the samples, their names and labels, independent of the format of the file."""
        sha = hashlib.sha256(repr((self.input_names, self.target_names, self.labels)).encode())
        for array in (self.x, self.y, *([] if self.weights is None else [self.weights])):
            sha.update(repr(array.shape).encode())
            for at in blocks(len(array), array.size // max(len(array), 1)):
                sha.update(np.ascontiguousarray(array[at], dtype="<f8").data)
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


def from_arrays(
    x: Any, y: Any, spec: DataSpec, validation: tuple[Any, Any] | None = None, weights: Any = None
) -> Dataset:
    """The data set of a Python caller: arrays, nested lists, or pandas frames and series.

    `x` is (N, ...) with one sample a row; `y` is (N,) or (N, targets), numbers or text, or None where
    the targets are columns of the frame `x`, or its inputs (`target = inputs`). `validation` are such a pair.
    `weights` are (N,), of the samples of `x`, where the file says `weights = given`.
    """
    tables = _tables_of(x, y, spec)
    held = _tables_of(*validation, spec) if validation is not None else None
    if spec.weights == GIVEN_WEIGHTS:
        tables = with_given(tables, weights)
        held = with_given(held, None) if held is not None else None
    return _assemble(tables, spec, "arrays", held)


def _tables_of(x: Any, y: Any, spec: DataSpec) -> Table | Parts:
    inputs = _table_of("x", x, "x", spec.span)
    if y is None:
        return inputs
    if spec.of_inputs:
        raise data_error("E0614", "target = inputs: the targets are the inputs, y is not needed", spec.span)
    _require_same_order(x, y, spec)
    return Parts(inputs, _table_of("y", y, "y", spec.span))


def inputs_of(x: Any) -> Table:
    """Inputs of a Python caller as a table, columns of truths as numbers."""
    return with_truths(_table_of("X", x, "x", NOWHERE))


def _require_same_order(x: Any, y: Any, spec: DataSpec) -> None:
    """Samples go by their places: of pandas' frames that have the same index in another order, this is no guess."""
    if (
        not (hasattr(x, "iloc") and hasattr(y, "iloc"))
        or len(x.index) != len(y.index)
        or x.index.equals(y.index)
    ):
        return
    if x.index.is_unique and y.index.is_unique and len(x.index.intersection(y.index)) == len(x.index):
        message = "x and y have the same index in another order"
        raise data_error("E0614", message, spec.span, hints=["y = y.loc[x.index] brings them together"])


def facts(dataset: Dataset) -> Facts:
    """What the checker must know of the data."""
    inputs, targets = dataset.width, dataset.y.shape[1]
    whole = whole_values(dataset.y) if targets == 1 and not dataset.labels else 0
    return Facts(inputs, targets, len(dataset.train), dataset.labels, dataset.text, whole)


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


def _read_files(spec: DataSpec) -> Table | Parts:
    tables = tuple(table for file in spec.origin for table in read_file(Path(file), spec.span, spec.style))
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
    return Parts(from_array(name, x, "x"), from_array(name, y, "y"))


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


def _table_of(name: str, values: Any, prefix: str, span: Span) -> Table:
    """A table of whatever Python callers hold; frames and series are known by what they offer."""
    if hasattr(values, "columns") and hasattr(values, "iloc"):
        columns = [values.iloc[:, i].to_numpy() for i in range(len(values.columns))]
        table = from_columns(name, values.columns, columns)
        counted = [*values.columns] == [*range(len(values.columns))]
        index = (
            without_use(table.columns, table.values, table.text)
            if len(table.columns) > 1
            else frozenset[int]()
        )
        return replace(table, named=not counted, index=index)
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
    return replace(table, columns=(str(label),), named=True) if label is not None else table


def _assemble(
    read: Table | Parts, spec: DataSpec, source: str, validation: Table | Parts | None = None
) -> Dataset:
    if spec.validation_files:
        validation = _read_files(replace(spec, origin=spec.validation_files))
    tables = (read.inputs, read.targets) if isinstance(read, Parts) else (read,)
    parts = with_validation(choose_columns(read, spec), spec, validation)
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
        truths=tuple(parts.inputs.columns[i] for i in sorted(_texts(read, spec) - set(parts.inputs.text))),
    )
    inputs, targets, samples = parts.inputs, parts.targets, len(parts.inputs.values)
    if spec.limit:
        if spec.limit > samples:
            message = f"limit = {spec.limit}, but {inputs.name} holds {count(samples, 'sample')}"
            raise data_error("E0615", message, setting_span(spec, "limit"))
        parts = replace(parts, inputs=inputs.head(spec.limit), targets=targets.head(spec.limit))
    return _dataset(parts, spec, source, account)


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


def _texts(read: Table | Parts, spec: DataSpec) -> set[int]:
    return set(choose_columns(read, spec).inputs.text)


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
    inputs, targets = [x for x, _ in pairs], [y for _, y in pairs]
    for table in inputs:
        require_numbers(table, spec, "input", gaps_allowed=spec.missing == "mean")
    computes = spec.weights or spec.of_inputs or spec.missing == "mean"
    single = not computes and all(table.values.dtype == np.float32 for table in inputs)
    x: Any = _together([table.values for table in inputs], np.float32 if single else np.float64)
    lent = spec.kind == "arrays" and x is parts.inputs.values
    x = x.copy() if lent and spec.of_inputs else x
    goal = read_targets(targets, spec)
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


def codes_of(y: Array, labels: Sequence[str], text: bool) -> Indices:
    """(N,) indices into the labels."""
    if text:
        return y[:, 0].astype(np.int64)
    values = np.array([float(label) for label in labels])
    return np.searchsorted(values, y[:, 0]).astype(np.int64, copy=False)

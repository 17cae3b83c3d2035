"""What was read, in words: for the summary of a run, and column by column for `netc data show`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from netc.compiler.meaning.spec import GIVEN_WEIGHTS, DataSpec
from netc.runtime.data.borrowed import one_call
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.errors import count, listing
from netc.runtime.data.parts import Indices
from netc.runtime.data.readers_csv import SIGNS
from netc.runtime.data.scaling import Array, constant_columns
from netc.runtime.data.table import Reading

SHOWN = 3
"""Columns, or classes times four, that a summary names one by one."""
COLUMNS = 8
"""That are copied in one go."""
MANY = 5_000_000
"""Numbers: more are not compared sample by sample."""
FAR = 3
"""Times the range of all other numbers: so far from them lies a number that may stand for what is missing."""
Line = tuple[str, str]


@one_call()
def told(data: Dataset, spec: DataSpec, classes: Sequence[object]) -> list[Line]:
    """Labelled lines. `classes` are those of the target as the network learns it; none where it learns numbers."""
    return [
        ("data", "; ".join(_read(data, spec))),
        ("inputs", _inputs(data)),
        *_constant(data),
        *_marks(data, classes),
        ("target", "; ".join(_targets(data, classes))),
        *_label_noise(data),
        *_weights(data, spec),
        *_parts(data, classes),
    ]


def _read(data: Dataset, spec: DataSpec) -> Iterator[str]:
    account = data.account
    yield f"{data.source}, {count(len(data.x), 'sample')}"
    if spec.kind == "files":
        yield from (_reading(reading, name, len(account.readings)) for name, reading in account.readings)
    if account.left_out:
        yield f"left out: {listing([name or 'the unnamed one' for name in account.left_out])}, which counts the rows"
    if account.empty:
        yield f"left out: {listing(account.empty)}, which {'are' if len(account.empty) > 1 else 'is'} empty"
    if account.truths:
        yield f"true and false as 1 and 0: {listing(account.truths)}"
    if account.dropped:
        yield f"{count(account.dropped, 'sample')} with missing values dropped"
    if account.filled:
        yield f"{count(account.filled, 'missing value')} filled with the training part's mean"


def _reading(reading: Reading, name: str, tables: int) -> str:
    """`header in row 1, fields separated by commas`"""
    parts = [f"header in row {reading.header}" if reading.header else "no header"]
    parts.append(f"separated by {SIGNS.get(reading.separator, repr(reading.separator))}")
    if reading.decimal == "comma":
        parts.append("decimal comma")
    if reading.comments:
        parts.append(f"{count(reading.comments, 'line')} of comment skipped")
    return (f"{name}: " if tables > 1 else "") + ", ".join(parts)


def span_of(values: Array) -> str:
    """`0 to 711`"""
    low, high = values.min() + 0.0, values.max() + 0.0  # -0 is 0
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _label_noise(data: Dataset) -> Iterator[Line]:
    redrawn, labels = data.account.redrawn, count(len(data.train), "training label")
    if redrawn:
        yield (
            "label noise",
            f"{redrawn} of {labels} drawn anew, {data.account.relabelled} of them are others now",
        )


def _weights(data: Dataset, spec: DataSpec) -> Iterator[Line]:
    if data.weights is not None:
        name = "sample_weight" if spec.weights == GIVEN_WEIGHTS else spec.weights
        yield (
            "weights",
            f"{name} {span_of(data.weights)}, of the training part {data.weights[data.train].sum():.4g} together",
        )


def _inputs(data: Dataset) -> str:
    width = data.x.shape[1]
    shown = [f"{name} {span_of(data.x[:, i])}" for i, name in enumerate(data.input_names[:SHOWN])]
    rest = f", ... (all: {span_of(data.x)})" if width > SHOWN else ""
    steps = (
        name for i, name in enumerate(data.input_names) if data.account.readings and _counts(data.x[:, i])
    )
    counted = next(steps, None)
    return f"{width}: {', '.join(shown)}{rest}" + (f"; {counted} counts the rows" if counted else "")


def _counts(column: Array) -> bool:
    """A number for each row, that a network can learn nothing of but the order of the rows."""
    return len(column) > 9 and column[0] in (0, 1) and bool((np.diff(column) == 1).all())


def _constant(data: Dataset) -> Iterator[Line]:
    """Of the training part, which is what the network sees."""
    x, some = data.x, range(0, data.width, COLUMNS)
    found = [constant_columns(x[data.train, low : low + COLUMNS], data.rounding) for low in some]
    at = np.flatnonzero(np.concatenate(found)).tolist()
    if at:
        yield "constant", f"{len(at)}: {listing([data.input_names[i] for i in at], 6)}"


def _marks(data: Dataset, classes: Sequence[object]) -> Iterator[Line]:
    """Numbers that some files have in the place of what is missing."""
    if data.x.size > MANY:
        return
    named = [*zip(data.input_names, data.x.T, strict=True)]
    if not classes and data.x is not data.y:
        named += zip(data.target_names, data.y.T, strict=True)
    found = [f"{name} is {_mark(column)}" for name, column in named if _mark(column)]
    if found:
        fix = (
            "if that stands for what is missing, leave it empty in the file and say missing = drop (or mean)"
        )
        yield "marks", f"{listing(found, SHOWN)}: {fix}"


def _mark(column: Array) -> str:
    """A number of nines far from all others; in words, empty if there is none."""
    for mark in (column.min(), column.max()):
        others = column[column != mark]
        if str(float(abs(mark))).rstrip("0").strip("9") == "." and abs(mark) > 9 and len(others):
            low, high = others.min(), others.max()
            if max(low - mark, mark - high) > FAR * (high - low) > 0:
                return f"{mark:g} in {count(len(column) - len(others), 'sample')}, {span_of(others)} in all others"
    return ""


def _targets(data: Dataset, classes: Sequence[object]) -> Iterator[str]:
    name = listing(data.target_names, SHOWN)
    if classes:
        held = np.bincount(data.codes, minlength=len(classes)).tolist()
        shown = [f"{label} ({n})" for label, n in zip(classes, held, strict=True)]
        yield f"{name}, {len(classes)} classes: {listing(shown, 4 * SHOWN)}"
        yield from _alike([str(label) for label in classes])
    else:
        numbers = "numbers" if data.y.shape[1] > 1 else "a number"
        ranges = [span_of(data.y[:, i]) for i in range(data.y.shape[1])]
        yield f"{name}, {numbers}, {', '.join(ranges[:SHOWN])}{', ...' if len(ranges) > SHOWN else ''}"
        if np.ptp(data.y[data.train], axis=0).max() == 0:
            yield "constant in the training part"
    same = [
        n
        for i, n in enumerate(data.input_names)
        if data.y.shape[1] == 1 and np.array_equal(data.x[:, i], data.y[:, 0])
    ]
    if same and data.x is not data.y:
        yield f"the input {same[0]} equals it in every sample"


def _alike(labels: Sequence[str]) -> Iterator[str]:
    """Labels that a person may have meant as one."""
    words: dict[str, list[str]] = {}
    for label in labels:
        words.setdefault(" ".join(label.casefold().split()), []).append(label)
    yield from (f"{' and '.join(same)} are different classes" for same in words.values() if len(same) > 1)


def _parts(data: Dataset, classes: Sequence[object]) -> Iterator[Line]:
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    if not len(data.test) and not len(data.validation):
        return
    text = ", ".join(f"{len(part)} {name}" for name, part in parts.items() if len(part))
    if classes and len(data.test):
        held = np.bincount(data.codes[data.test], minlength=len(classes))
        if lost := [str(label) for label, n in zip(classes, held.tolist(), strict=True) if not n]:
            text += f"; not tested: {listing(lost, 6)}"
    for name in ("validation", "test"):
        if twins := _repeated(data, parts[name]):
            text += f"; {count(twins, f'{name} sample')} also in the training part"
    yield "split", text


def _repeated(data: Dataset, part: Indices) -> int:
    """Samples of it that stand in the training part as well, inputs and targets alike; not looked for in images."""
    if data.x.size > MANY:
        return 0
    rows = np.ascontiguousarray(np.concatenate([data.x, data.y], axis=1) + 0.0)
    seen = {row.tobytes() for row in rows[data.train]}
    return sum(row.tobytes() in seen for row in rows[part])


def columns(data: Dataset) -> Iterator[tuple[str, str, str, str, str]]:
    """A row for each input and numeric target: role, name, range, mean, deviation, of all samples."""
    for role, names, values in (("input", data.input_names, data.x), ("target", data.target_names, data.y)):
        for i, name in enumerate(names):
            if role == "input" or not data.text:
                column = values[:, i]
                size = abs(column).max() or 1.0  # squares of 1e200 are no numbers, those of 1e-200 are 0
                mean, deviation = (column / size).mean() * size, (column / size).std() * size
                yield role, name, span_of(column), f"{mean:.4g}", f"{deviation:.4g}"

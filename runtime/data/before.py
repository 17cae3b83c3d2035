"""What is good to know of samples before anything is trained: classes in each part, samples that stand twice, a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from netc.runtime.data.dataset import Dataset
from netc.runtime.data.errors import count
from netc.runtime.data.parts import Indices
from netc.runtime.data.scaling import Array
from netc.runtime.random import Purpose, permutation

MANY = 50_000_000
"""Numbers: more are not compared sample by sample."""


def parts_of(data: Dataset) -> dict[str, Indices]:
    """Those that have samples."""
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    return {name: rows for name, rows in parts.items() if len(rows)}


def class_table(data: Dataset, classes: Sequence[object]) -> list[tuple[str, ...]]:
    """A row for each class: its samples in each part, and their share of the part; none without classes."""
    if not classes:
        return []
    parts = parts_of(data)
    held = {
        name: np.bincount(data.codes[rows], minlength=len(classes)).tolist() for name, rows in parts.items()
    }
    table = [("class", *(f"{name} ({len(rows)})" for name, rows in parts.items()))]
    for code, label in enumerate(classes):
        shares = (f"{held[name][code]} ({held[name][code] / len(rows):.1%})" for name, rows in parts.items())
        table.append((str(label), *shares))
    return table


def twice(data: Dataset) -> Iterator[str]:
    """Samples with the same inputs as another one: within a part, and in two parts; and those of them whose targets
    differ. Bit by bit, where 0 and -0 are the same."""
    if data.x.size > MANY:
        yield f"not looked for among {data.x.size} numbers"
        return
    inputs, targets = _keys(data.x), _keys(data.y)
    parts = parts_of(data)
    for name, rows in parts.items():
        again = len(rows) - len({inputs[i] for i in rows})
        if again:
            yield f"{_samples(again, name)} of which another one has the inputs"
    for (one, first), (other, second) in combinations(parts.items(), 2):
        seen = {inputs[i] for i in first}
        if again := sum(inputs[i] in seen for i in second):
            yield f"{_samples(again, other)} of which one of the {_word(one)} part has the inputs"
    told: dict[bytes, bytes] = {}
    used = np.concatenate([*parts.values()])
    against = {inputs[i] for i in used if told.setdefault(inputs[i], targets[i]) != targets[i]}
    if against:
        yield f"{count(len(against), 'row')} of inputs with several targets: no model gets all of them right"


def _keys(rows: Array) -> list[bytes]:
    whole = np.ascontiguousarray(rows + 0.0)
    return [row.tobytes() for row in whole]


def _samples(number: int, part: str) -> str:
    return count(number, f"{_word(part)} sample")


def _word(part: str) -> str:
    return "training" if part == "train" else part


def a_batch(data: Dataset, size: int, seed: int, shuffle: bool) -> Indices:
    """Rows of the data set: those of the training part that an epoch's order has first."""
    order = permutation(len(data.train), seed, 0, Purpose.SHUFFLE) if shuffle else np.arange(len(data.train))
    found: Indices = data.train[order[:size]]
    return found

"""Samples and what is known of them: raw values, names, labels, parts. Reads and chooses nothing: `assemble.py` makes them.

Values stay raw here: scaling is `scaling.py`'s, and whether integers are classes or numbers is decided by the
network and the loss. The order of the samples is that of the data, also within the training and test part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import Facts
from netc.runtime.data.blocks import blocks
from netc.runtime.data.borrowed import Borrowed
from netc.runtime.data.gaps import Fill
from netc.runtime.data.labels import whole_values
from netc.runtime.data.parts import Indices
from netc.runtime.data.scaling import DOUBLE, Array, one_hot
from netc.runtime.data.table import Reading

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
    axes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Of the arrays of inputs that came with axes of their own, the name and the sizes for a sample."""


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


def facts(dataset: Dataset) -> Facts:
    """What the checker must know of the data."""
    inputs, targets = dataset.width, dataset.y.shape[1]
    whole = whole_values(dataset.y) if targets == 1 and not dataset.labels else 0
    return Facts(inputs, targets, len(dataset.train), dataset.labels, dataset.text, whole)


def codes_of(y: Array, labels: Sequence[str], text: bool) -> Indices:
    """(N,) indices into the labels."""
    if text:
        return y[:, 0].astype(np.int64)
    values = np.array([float(label) for label in labels])
    return np.searchsorted(values, y[:, 0]).astype(np.int64, copy=False)

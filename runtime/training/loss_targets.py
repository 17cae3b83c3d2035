"""Targets as the loss wants them: scaled numbers, codes of two classes, or one output per class.

The network and the loss decide whether integers are classes or numbers; the data only offer labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from netc.compiler.meaning.spec import Spec
from netc.runtime.data.columns import setting_span
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.errors import count, data_error, listing
from netc.runtime.data.parts import Indices
from netc.runtime.data.scaling import Scaler, one_hot
from netc.runtime.parameters import Array
from netc.runtime.training.metrics import Metric

Kind = Literal["numbers", "codes", "signs", "one_hot", "one_signs", "parts", "places", "untrained"]
PROBABILITIES = ("sigmoid", "hard_sigmoid")
"""Last activations of one output that say how likely the second class is."""


@dataclass(frozen=True, eq=False)
class Targets:
    """numbers    scaled column by column
    codes      0 for the first label, 1 for the second
    signs      -1 for the first label, 1 for the second (hinge, tanh)
    one_hot    an output for each label, 1 for the sample's own and 0 for the others
    one_signs  the same with 1 and -1 (hinge)
    parts      one column for each class, as they stand (probabilities)
    places     a column for each place of an image or sequence, the code of its class: an output for each class there
    untrained  numbers as they stand, or codes of classes
    """

    kind: Kind
    labels: tuple[str, ...]
    text: bool
    scaler: Scaler
    of_places: int = 0
    """How many places have a class each."""

    def _of_places(self, rows: Array) -> Array:
        """(N, places) codes -> (N, places times classes)."""
        codes, count = rows.astype(np.float64), len(self.labels)
        if not ((codes == np.floor(codes)) & (codes >= 0) & (codes < count)).all():
            raise ValueError(f"the classes of places are the whole numbers 0 to {count - 1}")
        return one_hot(codes.astype(np.int64), count).reshape(len(codes), -1)

    def encode(self, values: Any) -> Array:
        """Raw targets, (N,) or (N, columns), numbers or labels -> (N, outputs)."""
        raw = np.asarray(values)
        rows = raw.reshape(len(raw), -1)
        if self.kind == "places" or (self.kind == "untrained" and self.of_places == rows.shape[1] > 1):
            return self._of_places(rows)
        if self.of_numbers or (self.kind == "untrained" and not self._are_codes(rows)):
            return self.scaler.apply(rows.astype(np.float64))
        return self.of_codes(self.codes(rows))

    def _are_codes(self, rows: Array) -> bool:
        return rows.shape[1] == 1 and len(self.labels) > 1

    def of_codes(self, codes: Array) -> Array:
        """(N,) indices into `labels` -> (N, outputs)."""
        match self.kind:
            case "one_hot" | "untrained":
                return one_hot(codes, len(self.labels))
            case "one_signs":
                return one_hot(codes, len(self.labels)) * 2.0 - 1.0
            case "signs":
                return codes[:, None] * 2.0 - 1.0
            case _:
                return codes[:, None].astype(np.float64)

    def codes(self, values: Any) -> Array:
        """(N,) labels -> (N,) numbers of classes. Raises ValueError."""
        rows = np.asarray(values).reshape(len(values), -1)
        if rows.shape[1] != 1:
            raise ValueError(f"targets are one column of labels, not {rows.shape[1]} columns")
        numbers = np.issubdtype(rows.dtype, np.number)
        if self.text and numbers:
            # Codes instead of the labels themselves, as scikit-learn hands them out.
            known, column = np.arange(len(self.labels)), rows[:, 0]
        elif self.text:
            known, column = np.array(self.labels), rows[:, 0].astype(str)
        else:
            known, column = np.array([float(label) for label in self.labels]), self._numbers(rows[:, 0])
        order = np.argsort(known)
        found = order[np.searchsorted(known, column, sorter=order).clip(max=len(known) - 1)]
        if (known[found] != column).any():
            unknown = column[known[found] != column][0]
            raise ValueError(f"'{unknown}' is none of the labels {', '.join(self.labels)}")
        codes: Array = found
        return codes

    def _numbers(self, column: Array) -> Array:
        try:
            return column.astype(np.float64)
        except ValueError:
            raise ValueError(f"the labels are the numbers {', '.join(self.labels)}, not texts") from None

    def labels_of(self, outputs: Array) -> Array:
        """(N, outputs), as the network gives them -> (N,) labels, texts or numbers. ValueError without classes."""
        if not self.classes:
            raise ValueError("the targets are numbers: there are no classes to name")
        if self.of_places:
            classes: Array = outputs.reshape(len(outputs), self.of_places, -1).argmax(axis=2)
            return classes
        several = outputs.shape[1] > 1
        codes = outputs.argmax(axis=1) if several else (outputs[:, 0] > self.metric().threshold).astype(int)
        named: Array = np.array(self.classes)[codes]
        return named

    @property
    def classes(self) -> tuple[str, ...] | tuple[int, ...]:
        """The labels in the order of the outputs, numbers as numbers; none where the targets are no classes."""
        if self.kind in ("numbers", "parts", "untrained"):
            return ()
        return self.labels if self.text else tuple(int(float(label)) for label in self.labels)

    @property
    def of_numbers(self) -> bool:
        """Whether the loss sees numbers of the data, and none that stand for classes."""
        return self.kind in ("numbers", "parts")

    def metric(self) -> Metric:
        match self.kind:
            case "numbers":
                return Metric("r2")
            case "signs":
                return Metric("accuracy", 0.0)
            case "places":
                return Metric("accuracy", places=self.of_places)
            case _:
                return Metric("accuracy", 0.5)


def targets_of(spec: Spec, data: Dataset) -> Targets:
    """Scalers are fitted on the training part."""
    kind = kind_of(spec, data.y.shape[1], data.labels, data.text)
    if kind == "places":
        places, classes = _places(spec)
        labels = tuple(map(str, range(classes)))
        found = Targets(kind, labels, False, Scaler.fit(np.zeros((1, places * classes)), "none"), places)
        try:
            found.encode(data.y)
        except ValueError as error:
            raise data_error("E0620", str(error), setting_span(spec.data, "target")) from None
        return found
    if kind not in ("numbers", "parts"):
        _require_trained(spec, data)
    return Targets(kind, data.labels, data.text, _scaler(spec, data, kind))


def _places(spec: Spec) -> tuple[int, int]:
    """(places of the outputs, classes at each)"""
    assert spec.network is not None
    return prod(spec.network.output[:-1]), spec.network.output[-1]


def untrained(spec: Spec) -> Targets:
    """Of arrays that come one by one, with no data to find labels in: numbers as they are, or the codes 0, 1, ... of
    classes where there are several outputs and a single column."""
    assert spec.network is not None
    outputs = spec.network.outputs
    if spec.data.scale_target != "none":
        scale = spec.data.scale_target
        raise ValueError(
            f"the file says scale_target = {scale}, which is that of a training part: first train(X, y)"
        )
    places, classes = _places(spec)
    count = classes if places > 1 else outputs
    labels = tuple(str(code) for code in range(count)) if count > 1 and spec.targets == outputs else ()
    scaler = Scaler.fit(np.zeros((1, spec.targets)), "none")
    return Targets("untrained", labels, False, scaler, places if classes > 1 and places > 1 else 0)


def _scaler(spec: Spec, data: Dataset, kind: Kind) -> Scaler:
    """Of numeric targets; those that are the inputs are scaled as these, a factor included."""
    raw = data.y[data.train]
    if kind != "numbers":
        return Scaler.fit(raw, "none")
    factor = spec.data.factor if spec.data.of_inputs and "scale_target" not in dict(spec.data.spans) else 1.0
    return Scaler.fit(raw, spec.data.scale_target, factor, data.target_rounding, data.trained_weights)


def _require_trained(spec: Spec, data: Dataset) -> None:
    """Refuses a split that leaves a class without a sample to learn from."""
    if not len(data.test):
        return
    held = [np.bincount(data.codes[part], minlength=len(data.labels)) for part in (data.train, data.test)]
    lost = [label for label, train, test in zip(data.labels, *held, strict=True) if test and not train]
    if lost:
        samples = count(int(held[1][data.labels.index(lost[0])]), "sample")
        message = f"class '{lost[0]}' has {samples} in the test part and none in the training part"
        notes = [f"such classes: {listing(lost)}"] if len(lost) > 1 else []
        hints = ["`stratify = true` gives each part its share of every class"]
        raise data_error("E0615", message, setting_span(spec.data, "split"), notes=notes, hints=hints)


def kind_of(spec: Spec, columns: int, labels: tuple[str, ...], text: bool) -> Kind:
    """Of so many target columns, with these labels where the single one can be read as classes."""
    assert spec.network is not None
    assert spec.loss is not None
    outputs, domain = spec.network.outputs, spec.loss.targets
    activations = spec.network.activations
    last = activations[-1].definition.name if activations else "lin"
    signs = domain is not None and domain.signs
    places, classes = _places(spec)
    if places > 1 and classes > 1 and columns == places:
        return "places"
    if spec.targets != outputs:
        return "numbers"
    if columns > 1:
        return "parts" if last == "softmax" and not spec.data.of_inputs else "numbers"
    if outputs > 1 and len(labels) == outputs:
        return "one_signs" if signs else "one_hot"
    if len(labels) == 2 and outputs == 1:
        if signs or (last == "tanh" and labels == ("-1", "1")):
            return "signs"
        probabilities = domain is not None and (domain.low, domain.high) == (0.0, 1.0)
        if text or spec.data.classes or probabilities or last in PROBABILITIES:
            return "codes"
    return "numbers"


def encoded(targets: Targets, data: Dataset, rows: Indices | slice) -> Array:
    """Samples of the data set, (len(rows), outputs)."""
    if targets.kind in ("numbers", "parts", "places"):
        return targets.encode(data.y[rows])
    return targets.of_codes(data.codes_at(rows))

"""Targets as the loss wants them: scaled numbers, codes of two classes, or one output per class.

The network and the loss decide whether integers are classes or numbers; the data only offer labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from netc.compiler.meaning.spec import Spec
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.scaling import Scaler, one_hot
from netc.runtime.parameters import Array
from netc.runtime.training.metrics import Metric

PROBABILITIES = ("sigmoid", "hard_sigmoid")
"""Last activations of one output that say how likely the second class is."""


@dataclass(frozen=True, eq=False)
class Targets:
    """numbers    scaled column by column
    codes      0 for the first label, 1 for the second
    signs      -1 for the first label, 1 for the second (hinge, tanh)
    one_hot    an output for each label
    parts      one column for each class, as they stand (probabilities)
    """

    kind: Literal["numbers", "codes", "signs", "one_hot", "parts"]
    labels: tuple[str, ...]
    text: bool
    scaler: Scaler

    def encode(self, values: Any) -> Array:
        """Raw targets, (N,) or (N, columns), numbers or labels -> (N, outputs)."""
        raw = np.asarray(values)
        rows = raw.reshape(len(raw), -1)
        if self.kind in ("numbers", "parts"):
            return self.scaler.apply(rows.astype(np.float64))
        return self.of_codes(self._codes(rows))

    def of_codes(self, codes: Array) -> Array:
        """(N,) indices into `labels` -> (N, outputs)."""
        match self.kind:
            case "one_hot":
                return one_hot(codes, len(self.labels))
            case "signs":
                return codes[:, None] * 2.0 - 1.0
            case _:
                return codes[:, None].astype(np.float64)

    def _codes(self, rows: Array) -> Array:
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

    def metric(self) -> Metric:
        match self.kind:
            case "numbers":
                return Metric("r2")
            case "signs":
                return Metric("accuracy", 0.0)
            case _:
                return Metric("accuracy", 0.5)


def targets_of(spec: Spec, data: Dataset) -> Targets:
    """Scalers are fitted on the training part."""
    kind = kind_of(spec, data)
    raw = data.y[data.train]
    scaling = spec.data.scale_target if kind == "numbers" else "none"
    return Targets(kind, data.labels, data.text, Scaler.fit(raw, scaling))


def kind_of(spec: Spec, data: Dataset) -> Literal["numbers", "codes", "signs", "one_hot", "parts"]:
    assert spec.network is not None
    assert spec.loss is not None
    outputs, loss = spec.network.outputs, spec.loss.definition.name
    activations = spec.network.layers[-1].activations
    last = activations[-1].definition.name if activations else "lin"
    if data.y.shape[1] > 1:
        return "parts" if last == "softmax" else "numbers"
    if outputs > 1 and len(data.labels) == outputs:
        return "one_hot"
    if len(data.labels) == 2 and outputs == 1:
        if loss in ("hinge", "squared_hinge") or (last == "tanh" and data.labels == ("-1", "1")):
            return "signs"
        if data.text or loss == "binary_cross_entropy" or last in PROBABILITIES:
            return "codes"
    return "numbers"


def encoded(targets: Targets, data: Dataset) -> Array:
    """All samples of the data set, (N, outputs)."""
    if targets.kind in ("numbers", "parts"):
        return targets.encode(data.y)
    return targets.of_codes(data.codes)

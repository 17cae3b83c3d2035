"""How good the outputs are, beside the loss: accuracy for classes, R2 for numbers.

Computed from predictions in NumPy; the loss itself is the kernels' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np

from netc.runtime.parameters import Array


@dataclass(frozen=True)
class Metric:
    """What a report says beside the loss.

    accuracy   the share of samples whose class is right: the largest of several outputs; a single output
               is compared with `threshold`, half-way between the two codes (0.5 for 0/1, 0 for -1/1)
    r2         1 - sum (u - y)^2 / sum (y - mean y)^2, averaged over the outputs; 1 is perfect, 0 is as good
               as the mean. Scaling the targets does not change it
    """

    kind: Literal["accuracy", "r2"]
    threshold: float = 0.5
    places: int = 0
    """Of an image or sequence, with a class each: the share of places whose class is right."""

    def score(self, outputs: Array, targets: Array) -> float:
        """Of outputs and targets, both (units, samples). NaN where an output is not finite."""
        return float(self.scores(outputs[None], targets)[0])

    def scores(self, outputs: Array, targets: Array) -> Array:
        """(runs,) of the outputs (runs, units, samples) of several runs."""
        match self.kind:
            case "accuracy":
                return self.share(self.right(outputs, targets), targets.shape[1])
            case "r2":
                found = _r2(outputs.astype(np.float64), targets.astype(np.float64))
            case _:
                assert_never(self.kind)
        return _where_finite(found, outputs)

    def right(self, outputs: Array, targets: Array) -> Array:
        """(runs,) of an accuracy: how many samples, or places of them, are right. Of samples in ranges these add up."""
        if self.places:
            found = self._classes(outputs, 1) == self._classes(targets, 0)
        elif len(targets) > 1:
            found = outputs.argmax(axis=1) == targets.argmax(axis=0)
        else:
            found = (outputs > self.threshold) == (targets > self.threshold)
        return _where_finite(found.reshape(len(outputs), -1).sum(axis=1), outputs)

    def share(self, right: Array, samples: int) -> Array:
        """(runs,) accuracies, of what is right on so many samples."""
        return right / (samples * max(self.places, 1))

    def _classes(self, numbers: Array, axis: int) -> Array:
        """Along the axis of the units, which are place by place, the class of each place."""
        shape = (*numbers.shape[:axis], self.places, -1, *numbers.shape[axis + 1 :])
        found: Array = numbers.reshape(shape).argmax(axis=axis + 1)
        return found


def _where_finite(found: Array, outputs: Array) -> Array:
    scored: Array = np.where(np.isfinite(outputs).all(axis=(1, 2)), found, np.nan)
    return scored


def _r2(outputs: Array, targets: Array) -> Array:
    total = np.square(targets - targets.mean(axis=1, keepdims=True)).sum(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        rest = np.square(outputs - targets).sum(axis=2)
        explained = 1 - rest[:, total > 0] / total[total > 0]
    # A constant target has nothing to explain.
    return explained.mean(axis=1) if (total > 0).any() else np.full(len(outputs), np.nan)

"""Wrong labels on purpose: with `label_noise = 15%` so many of the training part are drawn anew, each class equally likely.

A label may come out as it was, so of K classes a share of 1/K of those drawn anew is right by chance (symmetric label
noise, Zhang, Bengio, Hardt, Recht, Vinyals 2017). The validation and the test part keep theirs.
"""

from __future__ import annotations

import numpy as np

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.columns import setting_span
from netc.runtime.data.errors import data_error
from netc.runtime.data.labels import Targets
from netc.runtime.data.parts import Indices
from netc.runtime.data.scaling import Array
from netc.runtime.random import Purpose, permutation, uniform


def with_label_noise(
    goal: Targets, codes: Indices | None, train: Indices, spec: DataSpec
) -> tuple[Array, Indices]:
    """The targets (N, targets) of samples of the classes `codes` (N,), and the samples whose label was
    drawn anew: the first ones of a permutation that train. What a sample gets is its own, and the same in all folds."""
    if not spec.label_noise:
        return goal.values, np.arange(0)
    if codes is None:
        message = "label_noise = ... draws classes, and the target holds numbers"
        hints = [
            "`classes = K` reads whole numbers as classes",
            "... + normal(0, 0.1) is noise of generated numbers",
        ]
        raise data_error("E0655", message, setting_span(spec, "label_noise"), hints=hints)
    order = permutation(len(codes), spec.seed, 0, Purpose.LABELS)
    trains = order[np.isin(order, train)]
    # The small number undoes rounding, as in `parts.py`.
    chosen = np.sort(trains[: int(spec.label_noise * len(trains) + 1e-9)])
    drawn = (uniform(spec.seed, 1, Purpose.LABELS, len(codes)) * len(goal.labels)).astype(np.int64)
    values = np.arange(len(goal.labels)) if goal.text else np.array([float(label) for label in goal.labels])
    y = goal.values.copy()
    y[chosen, 0] = values[drawn[chosen]]
    return y, chosen

"""One run at one moment, in figures: losses, metrics and gradient norm, by the kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from types import ModuleType

import numpy as np

from netc.runtime.layout import Samples
from netc.runtime.metrics import Metric
from netc.runtime.parameters import Array
from netc.runtime.state import State

NONE = math.nan
IN_ORDER = np.zeros(0, np.int64)
"""The order of samples that kernels take for: as they stand."""


@dataclass(frozen=True)
class Row:
    """A line of the history; NaN where there is no such figure."""

    run: int
    step: int
    epoch: float
    loss_train: float
    loss_test: float
    metric_train: float
    metric_test: float
    gradient_norm: float
    theta_norm: float

    def numbers(self) -> tuple[float, ...]:
        return tuple(map(float, vars(self).values()))

    @staticmethod
    def columns() -> tuple[str, ...]:
        return tuple(f.name for f in fields(Row))


class Evaluator:
    """Evaluates runs on the training and the test part; keeps the work space of the kernels."""

    def __init__(
        self, kernels: ModuleType, train: Samples, test: Samples | None, metric: Metric | None, per_epoch: int
    ) -> None:
        self.kernels, self.train, self.test = kernels, train, test
        self.metric, self.per_epoch = metric, per_epoch
        self._scratch = np.zeros((0, 0), train.x.dtype)
        self._gradient = np.zeros(kernels.STRIDE, train.x.dtype)

    def scratch(self, workers: int) -> Array:
        """(at least `workers`, SCRATCH), made once."""
        if len(self._scratch) < workers:
            self._scratch = np.zeros((workers, self.kernels.SCRATCH), self.train.x.dtype)
        return self._scratch

    def row(self, state: State, r: int) -> Row:
        theta, step = state.theta[r], int(state.counters[r, 0])
        loss_train, metric_train = self.figures(theta, self.train)
        loss_test, metric_test = self.figures(theta, self.test)
        return Row(
            run=state.first + r,
            step=step,
            epoch=step / self.per_epoch,
            loss_train=loss_train,
            loss_test=loss_test,
            metric_train=metric_train,
            metric_test=metric_test,
            gradient_norm=_norm(self.gradient(theta, self.train)),
            theta_norm=_norm(theta),
        )

    def loss(self, theta: Array, samples: Samples) -> float:
        return float(
            self.kernels.loss(theta, samples.x, samples.y, IN_ORDER, 0, samples.count, self.scratch(1)[0])
        )

    def gradient(self, theta: Array, samples: Samples) -> Array:
        """(P,), in the working precision; a view that the next call overwrites."""
        out, scratch = self._gradient, self.scratch(1)[0]
        self.kernels.gradient(theta, samples.x, samples.y, IN_ORDER, 0, samples.count, out, scratch)
        return out[: self.kernels.PARAMETERS]

    def predict(self, theta: Array, samples: Samples) -> tuple[float, Array]:
        """The loss, and (outputs, samples)."""
        out = np.zeros_like(samples.y)
        scratch = self.scratch(1)[0]
        loss = self.kernels.predict(theta, samples.x, samples.y, IN_ORDER, 0, samples.count, out, scratch)
        return float(loss), out[:, : samples.count]

    def figures(self, theta: Array, samples: Samples | None) -> tuple[float, float]:
        """(loss, metric); NaN where there is none."""
        if samples is None:
            return NONE, NONE
        if self.metric is None:
            return self.loss(theta, samples), NONE
        loss, outputs = self.predict(theta, samples)
        return loss, self.metric.score(outputs, samples.y[:, : samples.count])


def _norm(vector: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.linalg.norm(vector.astype(np.float64)))

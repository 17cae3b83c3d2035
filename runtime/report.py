"""One run at one moment, in figures: losses, metrics and gradient norm, by the kernels."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields
from types import ModuleType

import numpy as np

from netc.runtime.layout import Samples
from netc.runtime.metrics import Metric
from netc.runtime.parameters import Array
from netc.runtime.state import State

NONE = math.nan


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

    def numbers(self) -> tuple[float, ...]:
        return tuple(map(float, astuple(self)))

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
        loss = self.loss(theta, self.train)
        return Row(
            run=state.first + r,
            step=step,
            epoch=step / self.per_epoch,
            loss_train=loss,
            loss_test=self.loss(theta, self.test) if self.test else NONE,
            metric_train=self._score(theta, self.train),
            metric_test=self._score(theta, self.test) if self.test else NONE,
            gradient_norm=self._gradient_norm(theta),
        )

    def loss(self, theta: Array, samples: Samples) -> float:
        scratch = self.scratch(1)
        return float(self.kernels.loss(theta, samples.x, samples.y, 0, samples.count, scratch))

    def gradient(self, theta: Array, samples: Samples) -> Array:
        """(P,), in the working precision; a view that the next call overwrites."""
        out, scratch = self._gradient, self.scratch(1)
        self.kernels.gradient(theta, samples.x, samples.y, 0, samples.count, out, scratch)
        return out[: self.kernels.PARAMETERS]

    def outputs(self, theta: Array, samples: Samples) -> Array:
        """(outputs, samples)"""
        out = np.zeros_like(samples.y)
        self.kernels.predict(theta, samples.x, 0, samples.count, out, self.scratch(1))
        return out[:, : samples.count]

    def _gradient_norm(self, theta: Array) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.linalg.norm(self.gradient(theta, self.train).astype(np.float64)))

    def _score(self, theta: Array, samples: Samples) -> float:
        if self.metric is None:
            return NONE
        return self.metric.score(self.outputs(theta, samples), samples.y[:, : samples.count])

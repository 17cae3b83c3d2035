"""Runs at one moment, in figures: losses, metrics, norms of gradient and theta, by the kernels, run after run."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from netc.compiler.kernels.report import REPORTED
from netc.runtime.aligned import zeros
from netc.runtime.parameters import Array
from netc.runtime.training.metrics import Metric
from netc.runtime.training.sample_layout import Samples
from netc.runtime.training.state import RUNNING
from netc.runtime.training.workers import Workers

FIGURES = ("loss_train", "loss_test", "metric_train", "metric_test", "gradient_norm", "theta_norm")
"""The columns of what `Evaluator.figures` gives; NaN where there is no such figure."""
ROW = (*FIGURES, "loss_batches")
"""What a report says of a run: figures, NaN where it has not looked at all samples, and the mean of the losses that its
iterations have seen in the last epoch, each on its batch and before its step."""
COLUMNS = ("run", "step", "epoch", *ROW)
"""Those of a history: a row for each run and report."""
IN_ORDER = zeros(0, np.int64)
"""The order of samples that kernels take for: as they stand."""
BUFFER = 2**23
"""Bytes that the outputs of the runs in a piece may take."""


def mean_of_batches(figures: Array, counters: Array) -> Array:
    """(rows,) of rows of the kernels' `figures` and `counters`; NaN before the first iteration, and of runs that ended
    before their last one: where these stand within an epoch hangs on how they ended."""
    with np.errstate(all="ignore"):
        return np.where(
            (counters[:, 0] > 0) & (counters[:, 3] == RUNNING), figures[:, 1] / figures[:, 2], np.nan
        )


class Evaluator:
    """Evaluates runs on the training and the test part."""

    def __init__(
        self, kernels: ModuleType, train: Samples, test: Samples | None, metric: Metric | None
    ) -> None:
        self.kernels, self.train, self.test, self.metric = kernels, train, test, metric
        self.dtype = train.y.dtype
        self._scratch = zeros(kernels.SCRATCH, self.dtype)
        self._gradient = zeros(kernels.STRIDE, self.dtype)

    # -- many runs -----------------------------------------------------------------------------------

    def figures(self, theta: Array, rows: Array, workers: Workers, norms: Array | None = None) -> Array:
        """(len(rows), FIGURES) of the runs `rows` of theta (runs, STRIDE); `norms`: those that are known already."""
        found = np.full((len(rows), len(FIGURES)), math.nan)
        train = self.train
        known = self._norms(theta, rows, workers) if norms is None else norms
        found[:, 0], found[:, 4:] = known[:, 0], known[:, 1:]
        if self.metric is not None:
            found[:, 2] = self._scores(theta, rows, workers, train)[1]
            if self.test is not None:
                found[:, 1], found[:, 3] = self._scores(theta, rows, workers, self.test)
        return found

    def _norms(self, theta: Array, rows: Array, workers: Workers) -> Array:
        """(len(rows), 3): loss, norm of its gradient, norm of theta."""
        found, train = np.empty((len(rows), REPORTED)), self.train

        def report(piece: Array, at: slice, scratch: Array) -> None:
            lines = zeros((len(piece), REPORTED), np.float64)
            gradient = zeros(self.kernels.STRIDE, self.dtype)
            self.kernels.report(
                piece, theta, train.x, train.y, IN_ORDER, train.count, lines, gradient, scratch
            )
            found[at] = lines

        workers.each(rows, report)
        return found

    def _scores(self, theta: Array, rows: Array, workers: Workers, samples: Samples) -> tuple[Array, Array]:
        """(losses, metrics) on these samples."""
        assert self.metric is not None
        metric, targets = self.metric, samples.y[:, : samples.count]
        losses, scores = np.empty(len(rows)), np.empty(len(rows))

        def score(piece: Array, at: slice, scratch: Array) -> None:
            out, lost = zeros((len(piece), *samples.y.shape), self.dtype), zeros(len(piece), np.float64)
            self.kernels.outputs(
                piece, theta, samples.x, samples.y, IN_ORDER, samples.count, out, lost, scratch
            )
            losses[at], scores[at] = lost, metric.scores(out[:, :, : samples.count], targets)

        workers.each(rows, score, max(1, BUFFER // samples.y.nbytes))
        return losses, scores

    # -- one point -----------------------------------------------------------------------------------

    def loss(self, theta: Array, samples: Samples) -> float:
        return float(
            self.kernels.loss(theta, samples.x, samples.y, IN_ORDER, 0, samples.count, self._scratch)
        )

    def gradient(self, theta: Array, samples: Samples) -> Array:
        """(P,), in the working precision; a view that the next call overwrites."""
        out, scratch = self._gradient, self._scratch
        self.kernels.gradient(theta, samples.x, samples.y, IN_ORDER, 0, samples.count, out, scratch)
        return out[: self.kernels.PARAMETERS]

    def predict(self, theta: Array, samples: Samples) -> tuple[float, Array]:
        """The loss, and (outputs, samples)."""
        out, scratch = zeros(samples.y.shape, self.dtype), self._scratch
        loss = self.kernels.predict(theta, samples.x, samples.y, IN_ORDER, 0, samples.count, out, scratch)
        return float(loss), out[:, : samples.count]

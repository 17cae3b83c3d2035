"""Runs at one moment, in figures: losses, metrics, norms of gradient and theta, by the kernels, run after run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import ModuleType
from typing import Literal

import numpy as np

from netc.compiler.kernels.report import REPORTED
from netc.runtime.aligned import zeros
from netc.runtime.parameters import Array
from netc.runtime.training.metrics import Metric
from netc.runtime.training.sample_layout import Samples
from netc.runtime.training.state import RUNNING
from netc.runtime.training.workers import Workers

FIGURES = (
    "loss_train", "loss_validation", "loss_test", "metric_train", "metric_validation", "metric_test",
    "gradient_norm", "theta_norm",
)  # fmt: skip
"""The columns of what `Evaluator.figures` gives; NaN where there is no such figure."""
Group = Literal["norms", "train", "validation", "test"]
GROUPS: dict[Group, tuple[int, ...]] = {
    "norms": (0, 6, 7), "train": (3,), "validation": (1, 4), "test": (2, 5),
}  # fmt: skip
"""Columns that are evaluated together."""
ROW = (*FIGURES, "loss_batches")
"""What a report says of a run: figures, NaN where it has not looked at all samples, and the mean of the losses that its
iterations have seen in the last epoch, each on its batch and before its step."""
COLUMNS = ("run", "step", "epoch", *ROW)
"""Those of a history: a row for each run and report."""
IN_ORDER = zeros(0, np.int64)
"""The order of samples that kernels take for: as they stand."""
BUFFER = 2**23
"""Bytes that the outputs of the runs in a piece may take."""
RANGE = 2**20
"""Bytes of outputs of one run, above which samples go in ranges where they can."""


def mean_of_batches(figures: Array, counters: Array) -> Array:
    """(rows,) of rows of the kernels' `figures` and `counters`; NaN before the first iteration, and of runs that ended
    before their last one: where these stand within an epoch hangs on how they ended."""
    with np.errstate(all="ignore"):
        return np.where(
            (counters[:, 0] > 0) & (counters[:, 3] == RUNNING), figures[:, 1] / figures[:, 2], np.nan
        )


class Evaluator:
    """Evaluates runs on the parts of the data."""

    def __init__(
        self,
        kernels: ModuleType,
        train: Samples,
        test: Samples | None,
        metric: Metric | None,
        validation: Samples | None = None,
        outputs: int = 0,
    ) -> None:
        """`outputs` of a sample, where they are not as many as its targets."""
        self.kernels, self.train, self.test, self.metric = kernels, train, test, metric
        self.validation, self.outputs = validation, outputs
        self.dtype = train.y.dtype
        self._scratch = zeros(kernels.SCRATCH, self.dtype)
        self._gradient = zeros(kernels.STRIDE, self.dtype)

    # -- many runs -----------------------------------------------------------------------------------

    def figures(
        self,
        theta: Array,
        rows: Array,
        workers: Workers,
        norms: Array | None = None,
        known: Array | None = None,
    ) -> Array:
        """(len(rows), FIGURES) of the runs `rows` of theta (runs, STRIDE); `norms`: those that are known already,
        `known`: the figures that are, NaN where they are not."""
        found = np.full((len(rows), len(FIGURES)), math.nan) if known is None else known.copy()
        groups = [g for g, columns in GROUPS.items() if np.isnan(found[:, columns]).any()]
        return self.fill(found, groups, theta, rows, workers, norms)

    def fill(
        self,
        found: Array,
        groups: Iterable[Group],
        theta: Array,
        rows: Array,
        workers: Workers,
        norms: Array | None = None,
    ) -> Array:
        """`found` with the columns of these groups, as far as they have a meaning."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        for group in groups:
            columns = GROUPS[group]
            if group == "norms":
                found[:, columns] = self._norms(theta, rows, workers) if norms is None else norms
            elif self.metric is None and group != "train" and (part := parts[group]) is not None:
                found[:, columns[0]] = self._losses(theta, rows, workers, part)
            elif self.metric is not None and group == "train":
                found[:, columns[0]] = self._metrics(theta, rows, workers, self.train)
            elif self.metric is not None and (part := parts[group]) is not None:
                found[:, columns] = np.column_stack(self._scores(theta, rows, workers, part))
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

    def _losses(self, theta: Array, rows: Array, workers: Workers, samples: Samples) -> Array:
        """(len(rows),) on these samples, where nothing else is said of outputs."""
        found = np.empty(len(rows))

        def lose(piece: Array, at: slice, scratch: Array) -> None:
            given = samples.x, samples.y, IN_ORDER, 0, samples.count, scratch
            found[at] = [self.kernels.loss(theta[row], *given) for row in piece]

        workers.each(rows, lose)
        return found

    def _scores(self, theta: Array, rows: Array, workers: Workers, samples: Samples) -> tuple[Array, Array]:
        """(losses, metrics) on these samples."""
        assert self.metric is not None
        metric, targets = self.metric, samples.goal
        losses, scores = np.empty(len(rows)), np.empty(len(rows))

        def score(piece: Array, at: slice, scratch: Array) -> None:
            shape = len(piece), samples.targets, samples.y.shape[1]
            out, lost = zeros(shape, self.dtype), zeros(len(piece), np.float64)
            self.kernels.outputs(
                piece, theta, samples.x, samples.y, IN_ORDER, samples.count, out, lost, scratch
            )
            losses[at], scores[at] = lost, metric.scores(out[:, :, : samples.count], targets)

        workers.each(rows, score, max(1, BUFFER // samples.y.nbytes))
        return losses, scores

    def _metrics(self, theta: Array, rows: Array, workers: Workers, samples: Samples) -> Array:
        """(len(rows),) metrics on these samples, whose loss is known. Where the outputs of a run take much room, what is
        right is counted in ranges of samples, with the same bits: blocks begin where they begin in all."""
        assert self.metric is not None
        metric, kernels, goal = self.metric, self.kernels, samples.goal
        if metric.kind != "accuracy" or samples.y.nbytes <= RANGE:
            return self._scores(theta, rows, workers, samples)[1]
        whole = samples.panel or kernels.BLOCK
        many = max(1, RANGE * samples.count // samples.y.nbytes // whole) * whole
        right = np.zeros(len(rows))

        def count(piece: Array, at: slice, scratch: Array) -> None:
            out = zeros((len(piece), samples.targets, many + kernels.BLOCK), self.dtype)
            lost = zeros(len(piece), np.float64)
            for first in range(0, samples.count, many):
                part = samples.behind(first, bool(kernels.BY_SAMPLE))
                some = min(many, samples.count - first)
                kernels.outputs(piece, theta, part.x, part.y, IN_ORDER, some, out, lost, scratch)
                right[at] += metric.right(out[:, :, :some], goal[:, first : first + some])

        workers.each(rows, count, 1)
        return metric.share(right, samples.count)

    # -- one point -----------------------------------------------------------------------------------

    def loss(self, theta: Array, samples: Samples) -> float:
        return float(
            self.kernels.loss(theta, samples.x, samples.y, IN_ORDER, 0, samples.count, self._scratch)
        )

    def gradient(self, theta: Array, samples: Samples, first: int = 0, count: int | None = None) -> Array:
        """(P,), in the working precision, of all samples or `count` from one on; a view that the next call overwrites."""
        out, scratch = self._gradient, self._scratch
        many = samples.count if count is None else count
        self.kernels.gradient(theta, samples.x, samples.y, IN_ORDER, first, many, out, scratch)
        return out[: self.kernels.PARAMETERS]

    def predict(self, theta: Array, samples: Samples) -> tuple[float, Array]:
        """The loss, and (outputs, samples)."""
        shape = (self.outputs or samples.targets, samples.y.shape[1])
        out, scratch = zeros(shape, self.dtype), self._scratch
        loss = self.kernels.predict(theta, samples.x, samples.y, IN_ORDER, 0, samples.count, out, scratch)
        return float(loss), out[:, : samples.count]

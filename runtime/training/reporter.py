"""What a training says of the runs in hand, report by report: figures, rows of the history, a word to who watches.

Trains nothing (`train.py`) and computes no figure itself (`report.py`, `judge.py`, `watched.py`).
"""

from __future__ import annotations

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.training.history import followed
from netc.runtime.training.judge import Judge
from netc.runtime.training.measured import Measured
from netc.runtime.training.report import COLUMNS, FIGURES, Evaluator, mean_of_batches
from netc.runtime.training.state import DIVERGED, State, Unfit, within
from netc.runtime.training.stretches import Stretches
from netc.runtime.training.task import Task, Watcher
from netc.runtime.training.watched import Watched
from netc.runtime.training.workers import Workers


class Reporter:
    """Of one training; what it finds of runs stands in their state too."""

    def __init__(
        self, task: Task, watch: Watcher, workers: Workers, stretches: Stretches, per_epoch: int
    ) -> None:
        program, kernels = task.program, task.kernels
        self.task, self.watch, self.workers, self.stretches = task, watch, workers, stretches
        self.per_epoch, self.runs = per_epoch, program.training.runs
        self.evaluator = Evaluator(kernels, task.train, task.test, task.metric, task.validation)
        self.measured = Measured(program, kernels, task.train)
        self.watched = Watched(program.rule, kernels.PARAMETERS, stretches, task)
        self.judge = (
            Judge(task.rules, self.evaluator, workers, per_epoch, self.measured, task.attacked)
            if task.rules is not None
            else None
        )
        self.columns = len(COLUMNS) + len(self.watched.names)
        self.history: list[Array] = []

    def warm_up(self, state: State) -> None:
        """Every kernel that reports need, once."""
        one = np.zeros(1, np.int64)
        self.warmed = self._figures(self.point(state, one), one)
        self.watched.shown_at(state, one, self.point(state, one))

    def report(self, state: State) -> None:
        """Of the runs that moved since their last report, on all samples."""
        rows = self._due(state)
        if len(rows):
            figures = self._look(state, rows)
            self._row(state, rows, figures, self._watched(state, rows))

    def note(self, state: State) -> None:
        """Of those that go on, only what their iterations have seen."""
        rows = state.running(self._due(state))
        if len(rows):
            nothing = np.full((len(rows), len(FIGURES)), np.nan)
            known = self.judge.known(state, rows) if self.judge else nothing
            self._row(state, rows, known, self.nothing(rows))

    def close(self, state: State) -> tuple[Array, Array | None]:
        """A last report, also of runs that ended between reports. (runs, monitored functions) and, where the best
        parameters are the result, (runs, FIGURES) at them."""
        if self.judge:
            self.judge.look(state)
        self.report(state)
        all_rows = np.arange(state.runs)
        self._look(state, state.moved(all_rows))
        # The kernel sees a loss only in the iteration after; the last one is seen here.
        lost = ~np.isfinite(state.last[:, 0]) & state.going
        state.counters[lost, 3] = DIVERGED
        watched = self._watched(state, all_rows)
        if not self.task.keeps:
            return watched, None
        kept = self.evaluator.figures(state.best, all_rows, self.workers)
        return self.watched.where_kept(state, watched), kept

    def point(self, state: State, rows: Array) -> Array:
        """(runs, STRIDE), of which these rows are meant: where the runs are measured."""
        return self.measured.rows(state, rows, self.workers)

    def nothing(self, rows: Array) -> Array:
        """(len(rows), monitored functions) of NaN."""
        return np.full((len(rows), len(self.watched.names)), np.nan)

    def stacked(self) -> Array:
        """(rows, columns) of the history, in the order of time."""
        return np.concatenate(self.history) if self.history else np.zeros((0, self.columns))

    def by_run(self, ended_early: bool) -> Array:
        """(rows, columns) of the history, run by run, each in the order of time."""
        history = self.stacked()
        history = history[np.lexsort((history[:, 1], history[:, 0]))]
        if ended_early:  # where a row stands twice, the second has looked at all samples
            same = (history[1:, :2] == history[:-1, :2]).all(axis=1)
            history = history[np.append(~same, [True] * (len(history) > 0))]
        return history

    def restore(self, arrays: dict[str, Array]) -> None:
        """The history of a checkpoint. Raises Unfit."""
        rows = len(arrays.get("history", ()))
        within(arrays, "history", (rows, self.columns), np.float64)
        history = arrays["history"]
        if rows and not ((history[:, 0] >= 0) & (history[:, 0] < self.runs) & (history[:, 1] >= 0)).all():
            raise Unfit("its history is not that of these runs")
        self.history = [history]

    def _due(self, state: State) -> Array:
        """The rows that have a report to make: those that moved since the last one."""
        if self.task.history == "summary":
            return state.moved(followed(state.first, state.runs, self.runs))
        return state.moved(np.arange(state.runs))

    def _row(self, state: State, rows: Array, figures: Array, watched: Array) -> None:
        numbers, steps = state.counters[rows, 4], state.counters[rows, 0]
        seen = np.column_stack([figures, mean_of_batches(state.figures[rows], state.counters[rows])])
        self.history.append(np.column_stack([numbers, steps, steps / self.per_epoch, seen, watched]))
        whole = self.task.whole or (lambda found: found[:, : self.task.kernels.PARAMETERS])
        self.watch.parameters(lambda: whole(self.point(state, rows)[rows]))
        self.watch.reported(state.at / self.per_epoch, state.at, seen)

    def _look(self, state: State, rows: Array) -> Array:
        """The figures of these rows, noted in the state."""
        theta = self.point(state, rows)
        if len(rows) == self.runs == 1 and state.at == self.task.first:
            figures = self.warmed  # nothing has moved since
        else:
            known = self.judge.known(state, rows) if self.judge else None
            figures = self._figures(theta, rows, known)
        state.last[rows], state.reported[rows] = figures, state.counters[rows, 0]
        if not self.task.keeps:
            lower = figures[:, 0] < state.best_figure[rows]
            better = rows[lower]
            state.best_figure[better], state.best[better] = figures[lower, 0], theta[better]
            state.best_step[better] = state.counters[better, 0]
        return figures

    def _watched(self, state: State, rows: Array) -> Array:
        return self.watched.values(state, rows, self.point(state, rows))

    def _figures(self, theta: Array, rows: Array, known: Array | None = None) -> Array:
        norms = None if self.measured.elsewhere else self.stretches.norms(rows)
        return self.evaluator.figures(theta, rows, self.workers, norms, known)

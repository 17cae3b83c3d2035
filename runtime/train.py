"""The training loop from outside: calls `advance` in stretches, reports between them, knows when to stop.

The iterations themselves are in the kernels; here are only the reports, the stops, Ctrl-C and checkpoints.
How the iterations are cut into calls changes no bit of the result. Does not write files (`folder.py`) and
does not draw progress (`api/progress.py`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from netc.compiler import ir
from netc.runtime.interrupt import Interrupt
from netc.runtime.layout import Samples, bounds
from netc.runtime.metrics import Metric
from netc.runtime.parameters import Array
from netc.runtime.report import Evaluator, Row
from netc.runtime.state import (
    CRITERION,
    DIVERGED,
    RUNNING,
    SEARCH_FAILED,
    STEP_TOO_SMALL,
    State,
    fresh,
    from_arrays,
    runs_at_once,
)

STRETCH = 0.2
"""Seconds a call of `advance` should take, so that Ctrl-C is answered soon."""
BETWEEN_CHECKPOINTS = 30.0
REPORTS = 200
"""How many reports a run makes unless the file says `every`; fewer each when there are many runs."""
REPORTS_OF_ALL = 50_000


@dataclass(frozen=True)
class Task:
    """All that training needs."""

    program: ir.Program
    kernels: ModuleType
    train: Samples
    test: Samples | None
    metric: Metric | None
    """None where there are no outputs to judge (an objective)."""
    every: int
    """Epochs between reports; 0: chosen so that there are about REPORTS."""
    threads: int


class Watcher:
    """Told what happens while it happens; the base class does not care."""

    def compiled(self, seconds: float) -> None:
        """Before the first iteration."""

    def advanced(self, done: float, total: float) -> None:
        """After each stretch: iterations times runs."""

    def reported(self, epoch: float, step: int, rows: list[Row]) -> None:
        """After each report: one row for each run that was still running."""

    def checkpoint(self, arrays: dict[str, Array]) -> None:
        """Now and then, and when interrupted: all that `train(..., resume=arrays)` needs."""


@dataclass(frozen=True)
class Outcome:
    """What came of all runs; the first axis counts them."""

    theta: Array
    """(runs, P)"""
    best: Array
    """(runs, P): at the lowest training loss seen at a report."""
    counters: Array
    """(runs, 5), as in docs/kernels.md."""
    history: Array
    """(rows, columns of Row), run by run."""
    stopped: tuple[str, ...]
    """Why each run ended: epochs, steps, criterion, diverged, search, interrupted."""
    final: Array
    """(runs, columns of Row): each run at its last parameters."""
    seconds: dict[str, float]
    interrupted: bool


def total_steps(program: ir.Program, samples: int) -> tuple[int, int]:
    """(iterations to do at most, iterations of one epoch)."""
    training = program.training
    per_epoch = 1 if program.rule.visits_batches else len(bounds(training.batches, samples)) - 1
    limits = [n for n in (training.steps, training.epochs * per_epoch) if n >= 0]
    return min(limits), per_epoch


def train(task: Task, watch: Watcher, resume: dict[str, Array] | None = None) -> Outcome:
    """Trains every run to its end, or until Ctrl-C. While the kernels are compiled Ctrl-C raises as ever."""
    return _Loop(task, watch).all(resume)


def compile_kernels(task: Task) -> None:
    """Every kernel that training needs, and nothing trained."""
    loop = _Loop(task, Watcher())
    loop.warm_up(loop.begin(0))


class _Loop:
    """One call of `train`: the constants of the loop, and what finished runs left."""

    def __init__(self, task: Task, watch: Watcher) -> None:
        self.task, self.watch = task, watch
        program, kernels = task.program, task.kernels
        self.total, self.per_epoch = total_steps(program, task.train.count)
        self.runs = program.training.runs
        self.chunk = runs_at_once(kernels, program, task.train.count)
        self.every = _every(task, self.total, self.per_epoch)
        self.hyper = np.array([h.value for h in program.rule.hypers], np.float64)
        self.bounds = bounds(program.training.batches, task.train.count)
        self.evaluator = Evaluator(task.kernels, task.train, task.test, task.metric, self.per_epoch)
        self.finished: list[State] = []
        self.history: list[Array] = []
        self.pace = 1.0
        """Iterations of one call."""
        self.saved = time.monotonic()

    def all(self, resume: dict[str, Array] | None) -> Outcome:
        state = self._restore(resume) if resume else self.begin(0)
        began = time.perf_counter()
        self.warm_up(state)
        compiled = time.perf_counter() - began
        self.watch.compiled(compiled)
        with Interrupt() as interrupt:
            while True:
                self._run(state, interrupt)
                if interrupt.asked:
                    self.watch.checkpoint(self._snapshot(state))
                self._close(state)
                if interrupt.asked or state.first + state.runs >= self.runs:
                    break
                state = self.begin(state.first + state.runs)
        seconds = {"compile": compiled, "train": time.perf_counter() - began - compiled}
        return self._outcome(interrupt.asked, seconds)

    def begin(self, first: int) -> State:
        count = min(self.chunk, self.runs - first)
        task = self.task
        return fresh(task.kernels, task.program, self.hyper, task.train.count, first, count)

    def _run(self, state: State, interrupt: Interrupt) -> None:
        """These runs to their end; reports at multiples of `every`."""
        if state.at == 0:
            self._report(state)
        while state.at < self.total and state.running.any() and not interrupt.asked:
            due = min(self.total, (state.at // self.every + 1) * self.every)
            self._advance(state, min(due, state.at + max(1, int(self.pace))))
            if state.at == due:
                self._report(state)
            if time.monotonic() - self.saved > BETWEEN_CHECKPOINTS:
                self.watch.checkpoint(self._snapshot(state))
                self.saved = time.monotonic()

    def _advance(self, state: State, last: int) -> None:
        began = time.perf_counter()
        self._call_advance(state, last)
        elapsed = max(time.perf_counter() - began, 1e-9)
        rate = (last - state.at) / elapsed
        self.pace = min(rate * STRETCH, 16 * self.pace)
        state.at = last
        whole = float(self.total) * self.runs
        self.watch.advanced(float(self.total) * state.first + float(state.at) * state.runs, whole)

    def _call_advance(self, state: State, last: int) -> None:
        train, kernels = self.task.train, self.task.kernels
        spread = self.task.threads > 1 and state.runs > 1
        advance = kernels.advance_parallel if spread else kernels.advance
        use_threads(self.task.threads)
        advance(
            state.theta, state.vectors, state.scalars, state.counters, state.figures, self.hyper,
            train.x, train.y, self.bounds, state.order, self.evaluator.scratch(state.runs),
            self.task.program.training.seed, last,
        )  # fmt: skip

    def warm_up(self, state: State) -> None:
        """Every kernel once, so that compiling is over (and on disk) before training begins."""
        self._call_advance(state, state.at)
        self.evaluator.row(state, 0)

    def _report(self, state: State) -> None:
        rows = []
        for r in np.flatnonzero(state.counters[:, 0] > state.reported).tolist():
            row = self.evaluator.row(state, r)
            rows.append(row)
            state.reported[r] = row.step
            if row.loss_train < state.best_loss[r]:
                state.best_loss[r] = row.loss_train
                state.best[r] = state.theta[r]
        if rows:
            self.history.append(np.array([row.numbers() for row in rows]))
            self.watch.reported(state.at / self.per_epoch, state.at, rows)

    def _close(self, state: State) -> None:
        """A last report, also of runs that ended between reports."""
        self._report(state)
        self.finished.append(state)

    def _snapshot(self, state: State) -> dict[str, Array]:
        """A checkpoint: the runs in hand, and the finished ones."""
        arrays = state.arrays()
        for i, done in enumerate(self.finished):
            arrays |= {f"finished.{i}.{name}": array for name, array in done.arrays().items()}
        return arrays | {"history": _stack(self.history)}

    def _restore(self, arrays: dict[str, Array]) -> State:
        pieces: dict[int, dict[str, Array]] = {}
        for key, array in arrays.items():
            if key.startswith("finished."):
                _, number, name = key.split(".", 2)
                pieces.setdefault(int(number), {})[name] = array
        self.finished = [from_arrays(pieces[i]) for i in sorted(pieces)]
        self.history = [arrays["history"]]
        return from_arrays(arrays)

    def _outcome(self, interrupted: bool, seconds: dict[str, float]) -> Outcome:
        """Puts the chunks together; runs that were never begun are not part of it."""
        count = self.task.kernels.PARAMETERS
        counters = np.concatenate([s.counters for s in self.finished])
        history = _stack(self.history)
        history = history[np.lexsort((history[:, 1], history[:, 0]))]
        final = history[np.append(np.diff(history[:, 0]) != 0, True)]
        # The kernel sees a loss only in the iteration after; the last one is seen here.
        lost = ~np.isfinite(final[:, Row.columns().index("loss_train")])
        counters[lost & (counters[:, 3] == RUNNING), 3] = DIVERGED
        return Outcome(
            theta=np.concatenate([s.theta[:, :count] for s in self.finished]),
            best=np.concatenate([s.best[:, :count] for s in self.finished]),
            counters=counters,
            history=history,
            stopped=tuple(self._reason(row) for row in counters.tolist()),
            final=final,
            seconds=seconds,
            interrupted=interrupted,
        )

    def _reason(self, counters: list[int]) -> str:
        done, status = counters[0], counters[3]
        if status in _REASONS:
            return _REASONS[status]
        if done < self.total:
            return "interrupted"
        return "steps" if self.total == self.task.program.training.steps else "epochs"


_REASONS = {
    CRITERION: "criterion",
    DIVERGED: "diverged",
    SEARCH_FAILED: "search",
    STEP_TOO_SMALL: "step too small",
}


def _every(task: Task, total: int, per_epoch: int) -> int:
    """Iterations between two reports, whole epochs."""
    if task.every:
        return task.every * per_epoch
    reports = max(1, min(REPORTS, REPORTS_OF_ALL // task.program.training.runs))
    return max(1, -(-total // (reports * per_epoch))) * per_epoch


def _stack(history: list[Array]) -> Array:
    return np.concatenate(history) if history else np.zeros((0, len(Row.columns())))


def use_threads(count: int) -> None:
    """So many for parallel kernels, or as many as numba has."""
    import numba

    config: Any = numba.config
    numba.set_num_threads(min(count, config.NUMBA_NUM_THREADS))

"""The training loop from outside: has iterations done in stretches, reports between them, knows when to stop.

The iterations themselves are in the kernels, what is reported in `reporter.py`; here are only the stops, Ctrl-C and
checkpoints.
How the iterations are cut into stretches, and how many are under way, changes no bit of the result. Does not
write files (`folder.py`) and does not draw progress (`api/progress.py`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from netc.runtime.aligned import aligned
from netc.runtime.devices.cuda_missing import DeviceLost
from netc.runtime.devices.load import compiled_at_loading
from netc.runtime.interrupt import Interrupt
from netc.runtime.parameters import Array
from netc.runtime.training.finished_runs import FinishedRuns
from netc.runtime.training.history import followed
from netc.runtime.training.last_good import LastGood
from netc.runtime.training.outcomes import stops
from netc.runtime.training.report_spacing import work_of_epoch
from netc.runtime.training.reporter import Reporter
from netc.runtime.training.state import State, fresh, from_arrays, real_type, runs_at_once, within
from netc.runtime.training.stretches import OnCpu
from netc.runtime.training.task import Outcome, Task, Watcher, spacing_of, stretches_of, total_steps
from netc.runtime.training.workers import Abandoned, Workers, use_threads

STRETCH = 0.2
"""Seconds a stretch should take, so that Ctrl-C is answered soon."""
FIRST_WORK = 2**22
"""Multiply-adds of the first stretch, where an iteration has no more: some hundredths of a second at most."""
FIRST_CHECKPOINT, BETWEEN_CHECKPOINTS = 1.0, 30.0
"""Seconds of training before the first one, and between two at most: each waits twice as long as the one before."""
CHECKPOINTS_SHARE = 0.05
"""Of the time that goes into writing them, about."""


def train(
    task: Task, watch: Watcher, resume: dict[str, Array] | None = None, folder: Path | None = None
) -> Outcome:
    """Trains every run to its end, or until Ctrl-C. While the kernels are compiled Ctrl-C raises as ever.

    Runs that are too many to be in hand together leave their results in `folder`, some at a time. Raises
    OSError where it has no room for all of them, Unfit where `resume` is no state of this program.
    """
    return _Loop(task, watch, folder).all(resume)


def iterations(task: Task) -> Iterator[Array]:
    """After each iteration: the losses (runs,) that it saw first, each on its batch and before its step; NaN of runs
    that have ended."""
    loop = _Loop(task, Watcher())
    with loop.workers:
        state = loop.state = loop.fresh(loop.first)
        loop.stretches.begin(state)
        for step in range(1, loop.total + 1):
            loop.stretches.queue(step, report=False)
            loop.stretches.wait()
            yield np.where(state.counters[:, 0] == step, state.figures[:, 0], np.nan)


def compile_kernels(task: Task) -> None:
    """Every kernel that training needs, and nothing trained."""
    loop = _Loop(task, Watcher())
    with loop.workers:
        loop.state = loop.fresh(0)
        loop.warm_up()


class _Loop:
    """One call of `train`: the constants of the loop, and what finished runs left."""

    def __init__(self, task: Task, watch: Watcher, folder: Path | None = None) -> None:
        self.task, self.watch = task, watch
        program, kernels = task.program, task.kernels
        self.total, self.per_epoch = total_steps(program, task.train.count)
        self.total = task.until or self.total
        self.runs = program.training.runs
        self.first, self.end = task.only or (0, self.runs)
        self.chunk = min(runs_at_once(kernels, program, task.train.count), self.end - self.first)
        self.spacing = spacing_of(task)
        self.hyper = aligned([h.value for h in program.rule.hypers], np.float64)
        self.workers = Workers(kernels, real_type(program), min(task.threads, self.end - self.first))
        self.stretches = stretches_of(task, self.hyper, self.workers)
        self.reporter = Reporter(task, watch, self.workers, self.stretches, self.per_epoch)
        self.judge = self.reporter.judge
        self.leads = self.judge is None and task.history == "summary" and isinstance(self.stretches, OnCpu)
        """Whether the runs that report go ahead of the others, which then need not stop at every report."""
        self.cuts = [] if self.leads else [self.spacing.rows, *([self.per_epoch] if self.judge else [])]
        """Iterations between two moments at which a stretch ends."""
        folder = folder if self.chunk < self.end - self.first else None
        sizes, watched = (kernels.PARAMETERS, program.problem.state_numbers), self.reporter.watched
        self.finished = FinishedRuns(
            self.end, *sizes, real_type(program), folder, watched.grown, len(watched.names), task.keeps
        )
        work = work_of_epoch(program, task.train.count) / self.per_epoch
        self.pace = max(1.0, FIRST_WORK / (self.chunk * max(1.0, work)))
        """Iterations of one stretch."""
        self.saved, self.apart = time.monotonic(), FIRST_CHECKPOINT
        self.before = np.zeros(2)
        """Seconds of compiling and training in the parts of this training that are over."""
        self.began = self.compiled = 0.0
        self.checkpoint: dict[str, Array] = {}
        self.last_good = LastGood(task, self.hyper, self.total, self.runs)

    def all(self, resume: dict[str, Array] | None) -> Outcome:
        with self.workers:
            self.state = self._restore(resume) if resume else self.task.begin or self.fresh(self.first)
            self.began = time.perf_counter() - compiled_at_loading(self.task.kernels)
            waiting = True
            try:
                self.warm_up()
                self.compiled = time.perf_counter() - self.began
                self.watch.compiled(self.compiled)
                self.saved = time.monotonic()
                with Interrupt() as interrupt:
                    waiting = False
                    return self._trained(interrupt)
            except KeyboardInterrupt:
                if waiting:
                    self.watch.checkpoint(self._snapshot())
                raise

    def _trained(self, interrupt: Interrupt) -> Outcome:
        self.workers.interrupt = interrupt
        try:
            self._all(interrupt)
        except DeviceLost:
            self.watch.checkpoint(self._snapshot())
            raise
        return self._outcome(interrupt.asked)

    def _all(self, interrupt: Interrupt) -> None:
        while True:
            try:
                self._run(interrupt)
                if interrupt.asked:
                    self.watch.checkpoint(self._snapshot())
                if self.chunk >= self.end - self.first:
                    self.checkpoint = self._snapshot()
                self._close()
            except Abandoned:
                self.watch.checkpoint(self._snapshot())
                nothing = self.reporter.nothing(np.arange(self.state.runs))
                self.finished.enter(self.state, self.state.theta, nothing)
            if self._over(interrupt) or self.finished.count >= self.end:
                break
            self.state = self.fresh(self.finished.count, self.state)
            self.stretches.begin(self.state)
        if self.finished.folder and not self._over(interrupt):
            self.watch.checkpoint(self._snapshot())  # until the results are written

    def fresh(self, first: int, over: State | None = None) -> State:
        count, task = min(self.chunk, self.end - first), self.task
        use_threads(task.threads)
        return fresh(task.kernels, task.program, self.hyper, task.train.count, first, count, over)

    def warm_up(self) -> None:
        """Every kernel once, so that compiling is over (and on disk) before training begins."""
        self.stretches.begin(self.state)
        self.stretches.queue(self.state.at, report=True)
        self.stretches.wait()
        self.reporter.warm_up(self.state)

    def _run(self, interrupt: Interrupt) -> None:
        """The runs in hand to their end; reports at multiples of the spacing, while the next stretch is under way."""
        state, stretches = self.state, self.stretches
        self.last_good.see(state)
        if state.at == self.task.first:
            self._judge()
            self.reporter.report(state)
            self._end()
        depth = 1 if self.judge else stretches.depth  # a run that is judged may have to end
        ahead, led, queued, going = state.at, 0.0, deque[int](), state.going.any()
        while True:
            while going and ahead < self.total and len(queued) < depth and not self._over(interrupt):
                due = min([self.total, *((ahead // apart + 1) * apart for apart in self.cuts)])
                ahead, led = self._led(min(due, ahead + max(1, int(self.pace))))
                stretches.queue(ahead, self._reports_at(ahead, self.spacing.whole))
                queued.append(ahead)
            if not queued:
                return
            seconds, last = stretches.wait(), queued.popleft()
            if not going:
                continue  # it was queued before it was known that all runs have ended
            self._went_on(last, led + seconds)
            self._judge()
            if self._reports_at(state.at, self.spacing.whole):
                self.reporter.report(state)
            elif self._reports_at(state.at, self.spacing.rows):
                self.reporter.note(state)
            self._end()
            if (now := time.monotonic()) - self.saved > min(self.apart, BETWEEN_CHECKPOINTS):
                self.watch.checkpoint(self._snapshot())
                self.saved = time.monotonic()
                self.apart = max(2 * self.apart, (self.saved - now) / CHECKPOINTS_SHARE)
            going = state.going.any()

    def _led(self, last: int) -> tuple[int, float]:
        """Before a stretch up to iteration `last`: where the runs that report go ahead of the others, they make their
        reports on the way. The iteration in which they are then, `last` unless that was enough, and the seconds it took."""
        if not self.leads:
            return last, 0.0
        state, stretches, began = self.state, self.stretches, time.perf_counter()
        assert isinstance(stretches, OnCpu)
        first, rows = state.at, followed(state.first, state.runs, self.runs)
        try:
            while state.at < last and not self.watch.enough and len(state.running(rows)):
                due = min(last, (state.at // self.spacing.rows + 1) * self.spacing.rows)
                stretches.begin(state, rows)
                stretches.queue(due, report=True)
                stretches.wait()
                state.at = due
                if self._reports_at(due, self.spacing.whole):
                    self.reporter.report(state)
            last = state.at if self.watch.enough else last
        finally:
            state.at = first  # the others are there
            stretches.begin(state)
        return last, time.perf_counter() - began

    def _judge(self) -> None:
        at = self.state.at
        if self.judge and (at == self.task.first or self._reports_at(at, self.per_epoch)):
            self.judge.look(self.state)

    def _end(self) -> None:
        """The runs that have been judged to be over."""
        if self.judge and self.judge.end(self.state):
            self.stretches.begin(self.state)

    def _over(self, interrupt: Interrupt) -> bool:
        """Whether it ends before all iterations are done."""
        return interrupt.asked or self.watch.enough

    def _reports_at(self, step: int, apart: int) -> bool:
        return step == self.total or step % apart == 0

    def _went_on(self, last: int, seconds: float) -> None:
        state = self.state
        rate = (last - state.at) / max(seconds, 1e-9)
        self.pace = min(rate * STRETCH, 16 * self.pace)
        state.at = last
        self.last_good.see(state)
        whole = float(self.total) * self.runs
        self.watch.advanced(float(self.total) * state.first + float(state.at) * state.runs, whole)

    def _close(self) -> None:
        """A last report; then the runs are finished."""
        state = self.state
        watched, kept = self.reporter.close(state)
        self.finished.enter(state, self.reporter.point(state, np.arange(state.runs)), watched, kept)

    def _snapshot(self) -> dict[str, Array]:
        """A checkpoint: the runs in hand, and the finished ones."""
        of_all = {"history": self.reporter.stacked(), "seconds": self._seconds()}
        return self.state.arrays() | self.finished.arrays() | of_all

    def _seconds(self) -> Array:
        """(2,) of compiling and training, all parts of a training that was resumed together."""
        spent = time.perf_counter() - self.began - self.compiled
        seconds: Array = self.before + np.array([self.compiled, spent])
        return seconds

    def _restore(self, arrays: dict[str, Array]) -> State:
        """Raises Unfit."""
        task = self.task
        state = from_arrays(arrays, task.kernels, task.program, task.train.count, self.total)
        self.finished.restore(arrays, state.first, self.total)
        self.reporter.restore(arrays)
        within(arrays, "seconds", (2,), np.float64)
        self.before = np.nan_to_num(arrays["seconds"].clip(0, 1e12))
        return state

    def _outcome(self, interrupted: bool) -> Outcome:
        """Runs that were never begun are not part of it."""
        finished = self.finished
        kept, parameters = slice(self.first, finished.count), slice(finished.parameters)
        states = slice(finished.parameters, None)
        by_steps = self.total == self.task.program.training.steps
        return Outcome(
            theta=finished.theta[kept, parameters],
            best=finished.best[kept, parameters],
            states=finished.theta[kept, states],
            best_states=finished.best[kept, states],
            best_step=finished.best_step[kept, 0],
            counters=finished.counters[kept],
            history=self.reporter.by_run(interrupted or self.watch.enough),
            stops=stops(finished.counters[kept], self.total, by_steps, self.watch.enough),
            final=finished.figures[kept],
            kept=finished.kept_figures[kept] if self.task.keeps else None,
            grown=finished.grown[kept],
            watched=finished.watched[kept],
            seconds=dict(zip(("compile", "train"), self._seconds().tolist(), strict=True)),
            interrupted=interrupted,
            every=self.spacing.rows,
            before=None if interrupted else self.last_good.before_loss(self.first, finished, self.stretches),
            checkpoint=self.checkpoint,
        )

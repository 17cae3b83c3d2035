"""The state of a lost run an iteration before it was lost, so that `blame.py` can say what broke first. On the CPU."""

from __future__ import annotations

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.training.finished_runs import FinishedRuns
from netc.runtime.training.outcomes import first_lost
from netc.runtime.training.state import State, fresh, from_arrays
from netc.runtime.training.stretches import Stretches
from netc.runtime.training.task import Task


class LastGood:
    """Of one run its state at the end of a stretch is kept; one of several is trained again, where that is little beside
    all."""

    def __init__(self, task: Task, hyper: Array, total: int, runs: int) -> None:
        self.task, self.hyper, self.total = task, hyper, total
        self.one, self.on_cpu = runs == 1, task.kernels.DEVICE == "cpu"
        self.kept: dict[str, Array] = {}

    @property
    def _short(self) -> type[np.generic]:
        """What numbers of samples fit in: those of a large data set are the most of a state."""
        return np.uint32 if self.task.train.count < 2**32 else np.int64

    def see(self, state: State) -> None:
        if self.one and self.on_cpu and np.isfinite(state.theta[:, : self.task.kernels.PARAMETERS]).all():
            for name, array in state.arrays().items():
                if name not in self.kept:
                    self.kept[name] = np.empty(array.shape, self._short if name == "order" else array.dtype)
                self.kept[name][...] = array

    def before_loss(self, first: int, ended: FinishedRuns, stretches: Stretches) -> State | None:
        """Of the first run that was lost, of those from `first` on; None where none was, or it would take too long."""
        done = slice(first, ended.count)
        lost = first_lost(ended.counters[done], ended.figures[done, 0])
        run = None if lost is None else first + lost
        if run is None or np.isfinite(ended.theta[run, : ended.parameters]).all():
            return None
        last = int(ended.counters[run, 0]) - 1
        little = last <= max(1000, ended.counters[done, 0].sum() // 10)
        again = self.kept if self.one else little and self.task.begin is None
        if not self.on_cpu or not again:
            return None
        state = self._of_one() if self.one else self._begun(run)
        if last > state.counters[0, 0]:
            stretches.begin(state)
            stretches.queue(last, report=False)
            stretches.wait()
        return state if state.counters[0, 0] == last else None

    def _of_one(self) -> State:
        task = self.task
        kept = self.kept | {"order": self.kept["order"].astype(np.int64)}
        return from_arrays(kept, task.kernels, task.program, task.train.count, self.total)

    def _begun(self, run: int) -> State:
        task = self.task
        return fresh(task.kernels, task.program, self.hyper, task.train.count, run, 1)

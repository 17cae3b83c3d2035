"""A training that goes on as far as it is told, with numbers that may change in between (`netc play`).

Kernels take the numbers of a rule as arguments, so other numbers need no other kernels. Makes no reports, no checkpoints,
and knows no end: these are `train.py`'s.
"""

from __future__ import annotations

import numpy as np

from netc.runtime.aligned import aligned
from netc.runtime.parameters import Array
from netc.runtime.training.measured import Measured
from netc.runtime.training.report import Evaluator
from netc.runtime.training.state import State, fresh, real_type, shapes
from netc.runtime.training.task import Task, stretches_of
from netc.runtime.training.workers import Workers


class Live:
    """The first `runs` runs of a task, until it is closed."""

    def __init__(self, task: Task, runs: int = 1, state: State | None = None) -> None:
        """`state`: where they are already, by kernels with the same arrays."""
        self.task, kernels, program = task, task.kernels, task.program
        hyper = aligned([h.value for h in program.rule.hypers], np.float64)
        self.workers = Workers(kernels, real_type(program), min(task.threads, runs))
        self._evaluator = Evaluator(kernels, task.train, task.test, task.metric, task.validation)
        self._measured = Measured(program, kernels, task.train)
        self._stretches = stretches_of(task, hyper, self.workers)
        self.state = state or fresh(kernels, program, hyper, task.train.count, 0, runs)
        self._stretches.begin(self.state)
        self.go(0)  # what is not compiled yet is compiled here

    def close(self) -> None:
        """Threads that work for it end."""
        self.workers.__exit__(None, None, None)

    @property
    def going(self) -> bool:
        """Whether a run has not ended."""
        return bool(self.state.going.any())

    def go(self, steps: int) -> None:
        """So many iterations on; runs that end on the way stay where they are."""
        self._stretches.queue(self.state.at + steps, report=False)
        self._stretches.wait()
        self.state.at += steps

    @property
    def rows(self) -> Array:
        """(runs, STRIDE): parameters, and states of layers, where the rule wants to be measured."""
        return self._measured.rows(self.state, np.arange(self.state.runs), self.workers)

    def figures(self) -> Array:
        """(FIGURES,) of the first run, as `report.py` lists them."""
        found: Array = self._evaluator.figures(self.rows, np.arange(1), self.workers)[0]
        return found

    def takes(self, task: Task) -> bool:
        """Whether its state is one of this task, too: the same arrays, of the same names."""
        mine, other = self.task.program, task.program
        names = [[(s.name, s.axes, s.per_batch) for s in p.rule.states] for p in (mine, other)]
        sizes = [shapes(t.kernels, t.program, t.train.count, self.state.runs) for t in (self.task, task)]
        return names[0] == names[1] and sizes[0] == sizes[1]

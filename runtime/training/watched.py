"""Monitored functions when a report is made: their values at the parameters and states that runs have then.

Kernels compute them at the beginning of an iteration. That one is begun with a copy, which is thrown away.
"""

from __future__ import annotations

import numpy as np

from netc.compiler.calculus import ir
from netc.runtime.aligned import aligned
from netc.runtime.parameters import Array
from netc.runtime.training.state import DIVERGED, RUNNING, State
from netc.runtime.training.stretches import OnCpu, Stretches


class Watched:
    """Those of a program; `stretches` carries its iterations out."""

    def __init__(self, rule: ir.Rule, stretches: Stretches) -> None:
        scalars = [s.name for s in rule.states if not s.axes and not s.per_batch]
        self.names = tuple(name for name, _ in rule.watched)
        self.grown = [scalars.index(state) for _, state in rule.watched]
        """Where among the scalar states the counts are; the last value stands before each."""
        self.stretches = stretches

    def values(self, state: State, rows: Array) -> Array:
        """(len(rows), functions) of these runs of a state; NaN where one is lost, and on a GPU."""
        found = np.full((len(rows), len(self.names)), np.nan)
        if not self.names or not len(rows) or not isinstance(self.stretches, OnCpu):
            return found
        fields = {
            name: aligned(array[rows]) for name, array in vars(state).items() if name not in ("first", "at")
        }
        copy = State(state.first, state.at, **fields)
        if (copy.counters[:, 3] == RUNNING).any():
            self.stretches.begin(copy)
            self.stretches.queue(state.at + 1, report=False)
            try:
                self.stretches.wait()
            finally:
                self.stretches.begin(state)
        found[:] = copy.scalars[:, [at - 1 for at in self.grown]]
        found[(copy.counters[:, 3] == DIVERGED) & ~np.isfinite(copy.figures[:, 0])] = np.nan
        return found

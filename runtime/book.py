"""What finished runs leave behind: one row for each run, whether there are three or a million."""

from __future__ import annotations

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.report import FIGURES
from netc.runtime.state import State

COUNTERS = 4
"""Of the kernels' counters: iterations, loss evaluations, gradient evaluations, status."""


class Book:
    """Rows 0 ... count-1 are filled, in the order of the runs."""

    def __init__(self, runs: int, parameters: int, real: type[np.floating]) -> None:
        self.count = 0
        self.theta: Array = np.empty((runs, parameters), real)
        self.best: Array = np.empty((runs, parameters), real)
        self.counters: Array = np.empty((runs, COUNTERS), np.int64)
        self.figures: Array = np.empty((runs, len(FIGURES)))

    def enter(self, state: State) -> None:
        """The runs of a state, at their last iteration and after their last report."""
        at = slice(state.first, state.first + state.runs)
        parameters = self.theta.shape[1]
        self.theta[at], self.best[at] = state.theta[:, :parameters], state.best[:, :parameters]
        self.counters[at], self.figures[at] = state.counters[:, :COUNTERS], state.last
        self.count = at.stop

    def arrays(self) -> dict[str, Array]:
        """The filled rows, for a checkpoint."""
        return {name: getattr(self, name)[: self.count] for name in _ARRAYS}

    def restore(self, arrays: dict[str, Array]) -> None:
        self.count = len(arrays["theta"])
        for name in _ARRAYS:
            getattr(self, name)[: self.count] = arrays[name]


_ARRAYS = ("theta", "best", "counters", "figures")

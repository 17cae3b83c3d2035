"""What of a run is kept, and when it has stopped to gain: at the end of each epoch, by the figures the file names.

Only what these figures need is evaluated: to judge by the validation part, no training sample is looked at. How the
iterations are cut into stretches, and where a training was interrupted, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netc.compiler.meaning.spec import Judged, Patience
from netc.runtime.parameters import Array
from netc.runtime.training.measured import Measured
from netc.runtime.training.report import FIGURES, GROUPS, Evaluator, Group
from netc.runtime.training.state import NO_GAIN, RUNNING, State
from netc.runtime.training.workers import Workers


@dataclass(frozen=True)
class Rules:
    """What `train` says; at least one of the two is there."""

    keep: Judged | None
    patience: Patience | None


class Judge:
    """Judges the runs of a state; what it finds stands in the state."""

    def __init__(
        self, rules: Rules, evaluator: Evaluator, workers: Workers, per_epoch: int, measured: Measured
    ) -> None:
        self.evaluator, self.workers, self.measured = evaluator, workers, measured
        self.keep = _column(rules.keep) if rules.keep else None
        self.gain = _column(rules.patience.judged) if rules.patience else None
        self.patience = rules.patience.epochs * per_epoch if rules.patience else 0
        """Iterations."""
        named = {c for c in (self.keep, self.gain) if c is not None}
        self.groups: list[Group] = [g for g, columns in GROUPS.items() if named & {*columns}]
        self.seen = np.zeros((0, len(FIGURES)))
        """(runs, FIGURES) of the last look, NaN where nothing was evaluated."""

    def look(self, state: State, norms: Array | None = None) -> None:
        """At all runs that have moved since they were judged last."""
        rows = np.flatnonzero(state.counters[:, 0] > state.judged)
        if not len(rows):
            return
        nothing = np.full((len(rows), len(FIGURES)), np.nan)
        theta = self.measured.rows(state, rows, self.workers)
        found = self.evaluator.fill(nothing, self.groups, theta, rows, self.workers, norms)
        steps = state.counters[rows, 0]
        state.judged[rows] = steps
        if len(self.seen) != state.runs:
            self.seen = np.full((state.runs, len(FIGURES)), np.nan)
        self.seen[rows] = found
        if self.keep is not None:
            better = rows[_gains(found, self.keep, state.best_figure, state.best_step, rows, steps)]
            state.best[better] = theta[better]
        if self.gain is not None:
            _gains(found, self.gain, state.gain_figure, state.gain_step, rows, steps)

    def known(self, state: State, rows: Array) -> Array:
        """(len(rows), FIGURES): what is known of these runs as they stand, NaN elsewhere."""
        if len(self.seen) != state.runs:
            return np.full((len(rows), len(FIGURES)), np.nan)
        now = state.judged[rows] == state.counters[rows, 0]
        found: Array = np.where(now[:, None], self.seen[rows], np.nan)
        return found

    def end(self, state: State) -> bool:
        """Ends the runs whose patience is over; whether there were some."""
        if self.gain is None:
            return False
        over = (state.counters[:, 3] == RUNNING) & (state.judged - state.gain_step >= self.patience)
        state.counters[over, 3] = NO_GAIN
        return bool(over.any())


def _gains(found: Array, column: int, figures: Array, steps: Array, rows: Array, now: Array) -> Array:
    """(len(rows),) bool: where the figure is better than ever; noted in `figures` and `steps`. NaN is never better."""
    values = -found[:, column] if FIGURES[column].startswith("metric") else found[:, column]
    better: Array = values < figures[rows]
    figures[rows[better]], steps[rows[better]] = values[better], now[better]
    return better


def _column(judged: Judged) -> int:
    if judged.figure == "gradient_norm":
        return FIGURES.index("gradient_norm")
    return FIGURES.index(f"{'loss' if judged.figure == 'loss' else 'metric'}_{judged.part}")

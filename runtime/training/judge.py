"""What of a run is kept, and when it has stopped to gain: at the end of each epoch, by the figures the file names.

Only what these figures need is evaluated: to judge by the validation part, no training sample is looked at. How the
iterations are cut into stretches, and where a training was interrupted, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from netc.compiler.meaning.spec import Judged, Patience
from netc.compiler.meaning.spec_training import Goal
from netc.runtime.parameters import Array
from netc.runtime.training.measured import Measured
from netc.runtime.training.report import FIGURES, GROUPS, Evaluator, Group
from netc.runtime.training.state import CRITERION, NO_GAIN, State
from netc.runtime.training.workers import Workers

HIGHER = ("accuracy", "r2")
"""Figures of which more is better."""


@dataclass(frozen=True)
class Rules:
    """What `train` says; at least one of them is there."""

    keep: Judged | None
    patience: Patience | None
    goals: tuple[Goal, ...] = ()


class Judge:
    """Judges the runs of a state; what it finds stands in the state."""

    def __init__(
        self,
        rules: Rules,
        evaluator: Evaluator,
        workers: Workers,
        per_epoch: int,
        measured: Measured,
        attacked: Mapping[str, Callable[[Array], float]],
    ) -> None:
        self.evaluator, self.workers, self.measured = evaluator, workers, measured
        self.keep, self.gain = rules.keep, rules.patience.judged if rules.patience else None
        self.goals = rules.goals
        self.judged = {j.written: j for j in (self.keep, self.gain, *(r.judged for r in self.goals)) if j}
        self.attacked = attacked
        """Figures under attack by their names, of a row of parameters and states."""
        self.patience = rules.patience.epochs * per_epoch if rules.patience else 0
        """Iterations."""
        named = {_column(j) for j in self.judged.values() if not j.attack}
        self.groups: list[Group] = [g for g, columns in GROUPS.items() if named & {*columns}]
        self.seen = np.zeros((0, len(FIGURES)))
        """(runs, FIGURES) of the last look, NaN where nothing was evaluated."""
        self.met = np.zeros(0, np.int64)
        """The runs in which a figure had got so far in the last look."""

    def look(self, state: State, norms: Array | None = None) -> None:
        """At all runs that have moved since they were judged last."""
        rows = np.flatnonzero(state.counters[:, 0] > state.judged)
        self.met = rows[:0]
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
        values = {name: self._values(j, found, theta[rows]) for name, j in self.judged.items()}
        if self.keep is not None:
            better = rows[_gains(values[self.keep.written], state.best_figure, state.best_step, rows, steps)]
            state.best[better] = theta[better]
        if self.gain is not None:
            _gains(values[self.gain.written], state.gain_figure, state.gain_step, rows, steps)
        if self.goals:
            self.met = rows[np.any([_holds(r, values[r.judged.written]) for r in self.goals], axis=0)]

    def _values(self, judged: Judged, found: Array, theta: Array) -> Array:
        """(runs,) of `found` (runs, FIGURES) and `theta` (runs, STRIDE); lower is better."""
        if judged.attack:
            values = np.array([self.attacked[judged.written](row) for row in theta])
        else:
            values = found[:, _column(judged)]
        return -values if judged.figure in HIGHER else values

    def known(self, state: State, rows: Array) -> Array:
        """(len(rows), FIGURES): what is known of these runs as they stand, NaN elsewhere."""
        if len(self.seen) != state.runs:
            return np.full((len(rows), len(FIGURES)), np.nan)
        now = state.judged[rows] == state.counters[rows, 0]
        found: Array = np.where(now[:, None], self.seen[rows], np.nan)
        return found

    def end(self, state: State) -> bool:
        """Ends the runs whose figure has got so far, or whose patience is over; whether there were some."""
        going = state.going
        met = self.met[going[self.met]]
        state.counters[met, 3] = CRITERION
        going[met] = False
        over = going & (state.judged - state.gain_step >= self.patience) if self.gain else going & False
        state.counters[over, 3] = NO_GAIN
        return bool(len(met) or over.any())


def _holds(goal: Goal, values: Array) -> Array:
    """(len(values),) bool, of values of which lower is better. NaN holds nowhere."""
    figure = -values if goal.judged.figure in HIGHER else values
    match goal.op:
        case "<":
            held: Array = figure < goal.bound
        case "<=":
            held = figure <= goal.bound
        case ">":
            held = figure > goal.bound
        case ">=":
            held = figure >= goal.bound
        case _ as never:
            assert_never(never)
    return held


def _gains(values: Array, figures: Array, steps: Array, rows: Array, now: Array) -> Array:
    """(len(rows),) bool: where the figure is better than ever; noted in `figures` and `steps`. NaN is never better."""
    better: Array = values < figures[rows]
    figures[rows[better]], steps[rows[better]] = values[better], now[better]
    return better


def _column(judged: Judged) -> int:
    if judged.figure == "gradient_norm":
        return FIGURES.index("gradient_norm")
    return FIGURES.index(f"{'loss' if judged.figure == 'loss' else 'metric'}_{judged.part}")

"""What `monitor` follows when a report is made: values at the parameters and states that runs have then.

Kernels compute functions at the beginning of an iteration. That one is begun with a copy, which is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.meaning.inside import parts_of
from netc.runtime.aligned import aligned
from netc.runtime.parameters import Array
from netc.runtime.training.state import DIVERGED, State
from netc.runtime.training.stretches import OnCpu, Stretches
from netc.runtime.training.task import Task


class Watched:
    """Those of a program; `stretches` carries its iterations out."""

    def __init__(
        self,
        rule: ir.Rule,
        parameters: int,
        stretches: Stretches,
        task: Task,
    ) -> None:
        scalars = [s.name for s in rule.states if not s.axes and not s.per_batch]
        self.names, self.functions = rule.followed, len(rule.watched)
        self.shown = [_of(one, rule, parameters, task) for one in rule.shown if one.inside is None]
        self.inside, self.parameters = task.inside, parameters
        self.within = [one.inside for one in rule.shown if one.inside is not None]
        """They stand behind the others."""
        self.seen: dict[tuple[int, int], list[float]] = {}
        """Of the last report, by run and step: the end of a run is looked at twice."""
        self.grown = [scalars.index(state) for _, state in rule.watched]
        """Where among the scalar states the counts are; the last value stands before each."""
        self.stretches = stretches

    def values(self, state: State, rows: Array, theta: Array) -> Array:
        """(len(rows), names) of these runs of a state, measured at `theta` (runs, STRIDE); a function is NaN where it is
        lost, and on a GPU."""
        ahead = self._ahead(state, rows) if self.functions or self._of_steps else None
        shown = self.shown_at(state, rows, theta)
        return np.column_stack(
            [self._functions(ahead, len(rows)), *shown, *self._within(state, rows, theta, ahead)]
        )

    def shown_at(self, state: State, rows: Array, theta: Array) -> list[Array]:
        """Those that read theta and the states alone, (len(rows),) each."""
        return [one.value(state, rows, theta) for one in self.shown]

    def where_kept(self, state: State, found: Array) -> Array:
        """`found` (runs, names) with the figures of attacked samples at the best parameters, where these are kept."""
        for at, one in enumerate(self.shown, start=self.functions):
            if isinstance(one, _UnderAttack):
                found[:, at] = one.value(state, np.arange(state.runs), state.best)
        return found

    @property
    def _of_steps(self) -> bool:
        return any(part.figure == "step" for one in self.within for part in parts_of(one))

    def _ahead(self, state: State, rows: Array) -> State | None:
        """A copy of these runs, an iteration further where they go on."""
        if not len(rows) or not isinstance(self.stretches, OnCpu):
            return None
        fields = {
            name: aligned(array[rows]) for name, array in vars(state).items() if name not in ("first", "at")
        }
        copy = State(state.first, state.at, **fields)
        if copy.going.any():
            self.stretches.begin(copy)
            self.stretches.queue(state.at + 1, report=False)
            try:
                self.stretches.wait()
            finally:
                self.stretches.begin(state)
        return copy

    def _functions(self, ahead: State | None, count: int) -> Array:
        found = np.full((count, self.functions), np.nan)
        if ahead is None:
            return found
        found[:] = ahead.scalars[:, [at - 1 for at in self.grown]]
        found[(ahead.counters[:, 3] == DIVERGED) & ~np.isfinite(ahead.figures[:, 0])] = np.nan
        return found

    def _within(self, state: State, rows: Array, theta: Array, ahead: State | None) -> list[Array]:
        """A column for each figure of the inside; a run that has ended makes no step."""
        if not self.within or self.inside is None:
            return []
        found = {}
        for i, row in enumerate(rows.tolist()):
            key = int(state.counters[row, 4]), int(state.counters[row, 0])
            step = None
            if ahead is not None and ahead.counters[i, 0] > key[1]:
                after, now = (
                    t[: self.parameters].astype(np.float64) for t in (ahead.theta[i], state.theta[row])
                )
                step = after - now
            found[key] = self.seen.get(key) or self.inside.values(self.within, theta[row], key[0], step)
        self.seen = found
        return [*np.array([*found.values()]).reshape(len(rows), -1).T]


def _of(shown: ir.Shown, rule: ir.Rule, parameters: int, task: Task) -> _ByInputs | _UnderAttack | _Shown:
    if shown.by_inputs and task.slopes:
        return _ByInputs(shown, task.slopes)
    if shown.attacked:
        return _UnderAttack(task.attacked[shown.name])
    return _Shown(rule, shown, parameters)


class _UnderAttack:
    """A figure of attacked samples, where the rule is measured."""

    def __init__(self, figure: Callable[[Array], float]) -> None:
        self.figure = figure

    def value(self, state: State, rows: Array, theta: Array) -> Array:
        return np.array([self.figure(theta[row]) for row in rows])


class _ByInputs:
    """The derivative of the training loss by the inputs: its norm, or its largest element, over all samples."""

    def __init__(self, shown: ir.Shown, slopes: Callable[[Array], Array]) -> None:
        self.largest, self.slopes = shown.by_inputs == "max", slopes

    def value(self, state: State, rows: Array, theta: Array) -> Array:
        found = [self.slopes(row) for row in state.theta[rows]]
        return np.array([np.abs(d).max() if self.largest else np.linalg.norm(d) for d in found])


class _Shown:
    """What is read off theta, the vectors or the scalars of a state."""

    def __init__(self, rule: ir.Rule, shown: ir.Shown, parameters: int) -> None:
        self.component, self.parameters = shown.component, parameters
        single = [s for s in rule.states if not s.per_batch and s.name != "theta"]
        self.array = "theta"
        self.at: int | None = None
        for array, names in (
            ("vectors", [s.name for s in single if s.axes]),
            ("scalars", [s.name for s in single if not s.axes]),
        ):
            if shown.state in names:
                self.array, self.at = array, names.index(shown.state)

    def value(self, state: State, rows: Array, theta: Array) -> Array:
        found: Array = getattr(state, self.array)[rows]
        if self.at is not None:
            found = found[:, self.at]
        if found.ndim == 1:
            return found
        whole = found[:, : self.parameters].astype(np.float64)
        return np.linalg.norm(whole, axis=1) if self.component is None else whole[:, self.component]

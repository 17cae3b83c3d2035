"""Where a training from Python begins: the file's start, a given theta, or where another training ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from netc.compiler.calculus import ir
from netc.runtime.parameters import Array, flatten
from netc.runtime.results.result import Result
from netc.runtime.session import Session
from netc.runtime.training.named_states import THETA, clock_of
from netc.runtime.training.state import Unfit
from netc.runtime.training.task import Watcher

Theta = ArrayLike | Mapping[str, ArrayLike]


@dataclass(frozen=True, eq=False)
class Beginning:
    theta: Array | None
    """(rows, P) float64"""
    checkpoint: dict[str, Array] | None
    states: dict[str, Any] | None

    @staticmethod
    def of(
        theta: Theta | None,
        states: Mapping[str, Any] | None,
        resume: Mapping[str, Array] | None,
        problem: ir.Problem,
    ) -> Beginning:
        """Raises ValueError where they are no start of this problem."""
        for name, given in (("theta", theta), ("states", states)):
            if given is not None and resume is not None:
                raise ValueError(f"{name} and resume are two starts, give one: a checkpoint has its {name}")
        if resume is not None and not isinstance(resume, Mapping):
            what = "result.checkpoint of a training, or netc.load(FOLDER).result.checkpoint"
            raise TypeError(f"resume is {what}, not {type(resume).__name__}")
        if resume is not None and not resume:
            raise ValueError(
                "the checkpoint is empty: the runs were too many to be in hand together, or their state too large to be "
                "kept in the folder, or the training was in phases"
            )
        copies = None if resume is None else {name: np.array(array) for name, array in resume.items()}
        rows = None if theta is None else _rows(theta, problem)
        if states is None:
            return Beginning(rows, copies, None)
        _require_states(states)
        return Beginning(_theta_of(states, rows, problem), copies, dict(states))

    @property
    def runs(self) -> dict[str, str | float]:
        """As many as there are starts, unless a call says otherwise."""
        return {"runs": len(self.theta)} if self.theta is not None and len(self.theta) > 1 else {}

    def train(self, session: Session, watch: Watcher) -> Result:
        """Raises ValueError where the start is not one of this training, SpecError as ever."""
        runs = session.spec.training.runs
        if self.theta is not None:
            if len(self.theta) not in (1, runs):
                raise ValueError(f"theta has {len(self.theta)} rows for {runs} runs")
            session = session.started(self.theta)
        if self.states is not None and (n := clock_of(self.states)):
            session = session.longer(n)
        try:
            return session.train(watch, self.checkpoint, states=self.states)[1]
        except Unfit as error:
            raise ValueError(f"the checkpoint does not fit this training: {error}") from None


def _require_states(states: Any) -> None:
    if not isinstance(states, Mapping):
        raise TypeError(
            "states are given by name, as result.rule_states has them, {'v': ...}, not as "
            f"{type(states).__name__}; those of layers too (result.states is an array without names)"
        )
    if not states:
        raise ValueError(
            "states is empty: result.rule_states has none where result.checkpoint is empty; a rule begins with its "
            "first values where states= is left out"
        )


def _theta_of(states: Mapping[str, Any], rows: Array | None, problem: ir.Problem) -> Array | None:
    """The start, which may stand among the states; one that is given twice is the same."""
    if THETA not in states:
        return rows
    own = _rows(states[THETA], problem)
    if rows is not None and _differ(rows, own):
        raise ValueError(
            "theta= and the 'theta' of states differ: leave theta= out, and it goes on from that of the states; or "
            "take 'theta' out of them"
        )
    return own


def _differ(a: Array, b: Array) -> bool:
    """One row stands for all runs."""
    return len({len(a), len(b)} - {1}) > 1 or bool((a != b).any())


def _rows(theta: Any, problem: ir.Problem) -> Array:
    named = {name: np.asarray(value) for name, value in theta.items()} if isinstance(theta, Mapping) else None
    given = np.asarray(flatten(problem, named) if named is not None else theta, np.float64)
    rows = np.atleast_2d(given)
    if rows.ndim != 2 or rows.shape[1] != problem.parameters or not len(rows):
        count = problem.parameters
        wanted = f"({count},) or (runs, {count}), a number for each parameter"
        raise ValueError(f"theta is {wanted}; this one has shape {given.shape}")
    if not np.isfinite(rows).all():
        raise ValueError(f"theta holds {rows[~np.isfinite(rows)][0]}: a start is finite")
    return rows

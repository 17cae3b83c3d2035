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
from netc.runtime.training.state import Unfit
from netc.runtime.training.task import Watcher

Theta = ArrayLike | Mapping[str, ArrayLike]


@dataclass(frozen=True, eq=False)
class Beginning:
    theta: Array | None
    """(rows, P) float64"""
    checkpoint: dict[str, Array] | None

    @staticmethod
    def of(theta: Theta | None, resume: Mapping[str, Array] | None, problem: ir.Problem) -> Beginning:
        """Raises ValueError where they are no start of this problem."""
        if theta is not None and resume is not None:
            raise ValueError("theta and resume are two starts, give one: a checkpoint has its theta")
        if resume is not None and not isinstance(resume, Mapping):
            what = "result.checkpoint of a training, or netc.load(FOLDER).result.checkpoint"
            raise TypeError(f"resume is {what}, not {type(resume).__name__}")
        if resume is not None and not resume:
            raise ValueError(
                "the checkpoint is empty: the runs were too many to be in hand together, or their state too large to be "
                "kept in the folder, or the training was in phases"
            )
        copies = None if resume is None else {name: np.array(array) for name, array in resume.items()}
        return Beginning(None if theta is None else _rows(theta, problem), copies)

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
        try:
            return session.train(watch, self.checkpoint)[1]
        except Unfit as error:
            raise ValueError(f"the checkpoint does not fit this training: {error}") from None


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

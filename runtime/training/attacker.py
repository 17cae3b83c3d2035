"""The steps of an attack, carried out: scaled inputs -> the same attacked. In test mode, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.lower.attack import Step
from netc.compiler.meaning.attacks import SLOPE
from netc.runtime.parameters import Array

Slopes = Callable[[Array, Array, Array], Array]
"""A row of parameters and states, inputs and targets as the loss sees them -> (N, inputs), each of the sample's own loss."""


@dataclass(frozen=True)
class Attacker:
    steps: tuple[Step, ...]
    slopes: Slopes

    def of(self, row: Array, x0: Array, y: Array) -> Array:
        """(N, inputs) scaled -> the same attacked, at a row of parameters and states."""
        env: dict[str, Array] = {"x": x0, "x0": x0}
        with np.errstate(invalid="ignore", divide="ignore"):
            for step in self.steps:
                if step.sloped:
                    env[SLOPE] = self.slopes(row, env["x"], y)
                env[step.name] = np.broadcast_to(evaluate(step.value, env), _shape(step, x0))
        return np.where(np.isfinite(env["x"]), env["x"], x0)  # a slope of 0 has no direction


def _shape(step: Step, x0: Array) -> tuple[int, ...]:
    return (len(x0), *(a.size or len(x0) for a in step.value.axes[1:]))

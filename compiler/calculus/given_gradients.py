"""An update rule alone, on gradients that are given, by the interpreter. Knows no problem and no samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.arrays import Array
from netc.compiler.calculus.evaluate import Env
from netc.compiler.calculus.interpret import Machine, iterate, start
from netc.dsl.record import record


@record
class Given:
    """Gradients for a rule alone, whatever the point, and what else it is told."""

    gradients: Array
    """(T, d), or (T, k, d) of the k evaluations of a step, in order; more are told the last."""
    schedule: Mapping[str, Sequence[float]] | None = None
    """Hypers, by name, in each step."""
    tensors: Sequence[int] | None = None
    """The sizes of the parts of theta for reductions per tensor and per layer; by default it is one."""
    batches: int = 1
    """So many steps are an epoch."""
    first: int = 0
    """The iteration of the first step."""
    weights: Array | None = None
    """(d,), 0 for biases; by default all are weights."""
    losses: Array | None = None
    """(T, k), of the k evaluations of a step."""


class RuleEnded(Exception):
    """Before its last step, for this status."""

    def __init__(self, status: int, step: int) -> None:
        self.status, self.step = status, step


class _Teller:
    """Tells a rule what is given, step by step, and notes where it asks."""

    def __init__(self, given: Given) -> None:
        self.given, self.points = given, list[list[Array]]()
        g = given.gradients
        self.gradients = g if g.ndim == 3 else g[:, None]

    def tell(self, stmt: ir.Evaluate, point: Array, env: Env) -> tuple[float, Array]:
        losses, step, asked = self.given.losses, len(self.points) - 1, len(self.points[-1])
        if stmt.loss and losses is None:
            raise ValueError("the rule evaluates the loss, which given gradients do not determine")
        self.points[-1].append(point)
        loss = 0.0 if losses is None else float(losses[step, min(asked, losses.shape[1] - 1)])
        return loss, self.gradients[step, min(asked, self.gradients.shape[1] - 1)]


def trajectory(rule: ir.Rule, theta0: Array, given: Given) -> tuple[Array, list[list[Array]]]:
    """(T+1, d): the rule alone on given gradients; and the points at which it asks, step by step.

    Raises ValueError where the rule asks for a loss that is not given, or for a mask of layers, and RuleEnded.
    """
    if rule.masks:
        raise ValueError(f"where '{rule.masks[0].of}' is 1 only a network says")
    held = np.ones_like(theta0) if given.weights is None else given.weights
    env = start(rule, theta0, {"weights": held, "biases": 1 - held}, {}, given.batches)
    ends = np.cumsum(given.tensors or [len(theta0)]).tolist()
    parts = tuple(slice(end - size, end) for size, end in zip(given.tensors or ends, ends, strict=True))
    teller = _Teller(given)
    machine = Machine(teller.tell, {"layer": parts, "tensor": parts}, env)

    def begun(n: int) -> None:
        teller.points.append([])
        now = {name: float(values[n - given.first]) for name, values in (given.schedule or {}).items()}
        env.update(now)

    found = iterate(rule, machine, len(given.gradients), given.batches, begun, given.first)
    if found.status:
        raise RuleEnded(found.status, found.iterations - given.first)
    return found.trajectory, teller.points

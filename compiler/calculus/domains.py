"""Has a loss a value wherever the last activation can put the outputs?

Proved by interval analysis (`ranges.py`) where it can be; else outputs and targets are tried, and a loss is refused
only with a case in which it has no value. What depends on the targets alone is for the data to tell, and of targets the
kindest ones are assumed: a loss is right if it is so for some kind of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus.interpret import evaluate
from netc.compiler.calculus.ir import Apply, Expr, Reduce, Var, children, postorder
from netc.compiler.calculus.ranges import INF, LINE, Fault, Range, Ranges, pointwise

Array = NDArray[Any]
Z, U, Y = Var("z", "output"), Var("u", "output"), Var("y", "output")
TRIED = (-1.0, 0.0, 1.0, -0.3, 0.3, -3.0, 3.0, -6.0, 6.0)
"""Pre-activations and targets that are tried where nothing is proved."""


@dataclass(frozen=True)
class NoValue:
    """The loss calls `op` where it has no value."""

    op: str
    argument: Expr
    range: Range
    """Where the argument can lie."""
    output: float
    """An output for which it is so, one of the sample's."""


def without_value(output: Expr, loss: Expr, units: int) -> NoValue | None:
    """The first function of the loss, a number in `u` and `y`, without a value; `output` is u, in `z`.

    Both as they are written: laws that join the two keep a value where rounding would lose it.
    """
    given = _range(output, units)
    faults: list[Fault] = []
    for targets, one_hot in _kinds_of_targets(units):
        found = Ranges({U: given, Y: targets}, units, Y if one_hot else None)
        found.of(loss)
        new = [f for f in found.faults if U in postorder(f.argument)]
        if not new:
            return None
        faults = faults or new
    found_at = [_tried(output, loss, units, *kind) for kind in _kinds_of_targets(units)]
    if found_at[0] is None or None in found_at:
        return None
    return NoValue(faults[0].node.op, faults[0].argument, faults[0].range, found_at[0])


def _range(output: Expr, units: int) -> Range:
    if any(isinstance(node, Reduce) for node in postorder(output)):
        return Ranges({Z: LINE}, units).of(output)
    return pointwise(output, Z)


def _kinds_of_targets(units: int) -> Iterator[tuple[Range, bool]]:
    """Anything, amounts, probabilities, signs; and one 1 among zeros."""
    for targets in (LINE, Range(0.0, INF, True), Range(0.0, 1.0), Range(-1.0, 1.0)):
        yield targets, False
    if units > 1:
        yield Range(0.0, 1.0), True


# -- trying ------------------------------------------------------------------------------------------


def _tried(output: Expr, loss: Expr, units: int, targets: Range, one_hot: bool) -> float | None:
    """An output of a sample for which a function that reads it has no value, if any of those tried is one."""
    rows = [np.full(units, z) for z in TRIED]
    if units > 1:
        rows += list(3 * np.random.default_rng(0).standard_normal((16, units)))
    u = np.broadcast_to(evaluate(output, {"z": np.array(rows)}), (len(rows), units))
    u = u[np.isfinite(u).all(axis=1)]
    goals = list(np.eye(units)) if one_hot else [np.full(units, y) for y in TRIED if y in targets]
    if not len(u) or not goals:
        return None
    exact = [(row, row) for row in u if not one_hot and all(x in targets for x in row)]
    us, ys = (np.array(side) for side in zip(*product(u, goals), *exact, strict=True))
    at = {"u": us, "y": ys, "z": us}
    for node, active in _active(loss, at):
        if isinstance(node, Apply) and node.op in _DOMAINS and U in postorder(node):
            inside = _DOMAINS[node.op](*(np.asarray(evaluate(a, at)) for a in node.args))
            outside = np.broadcast_to(active & ~inside, us.shape)
            if outside.any():
                return float(us[outside][0])
    return None


def _active(loss: Expr, at: dict[str, Array]) -> Iterator[tuple[Expr, Array]]:
    """Every node, and for which samples and outputs its value counts: of a choice the chosen branch."""
    active: dict[Expr, Array] = {loss: np.ones((len(at["u"]), 1), bool)}
    for node in reversed(list(postorder(loss))):
        here = active.setdefault(node, np.zeros((1, 1), bool))
        yield node, here
        masks = [here] * len(children(node))
        match node:
            case Apply("select", (condition, _, _)):
                holds = np.asarray(evaluate(condition, at), bool)
                masks = [here, here & holds, here & ~holds]
        for child, mask in zip(children(node), masks, strict=True):
            active[child] = active.get(child, np.zeros((1, 1), bool)) | mask


def _power(x: Array, y: Array) -> Array:
    whole = np.floor(y) == y
    found: Array = (x > 0) | ((x < 0) & whole) | ((x == 0) & (y >= 0))
    return found


_DOMAINS: dict[str, Callable[..., Array]] = {
    "log": lambda x: x > 0,
    "log1p": lambda x: x > -1,
    "sqrt": lambda x: x >= 0,
    "div": lambda x, y: y != 0,
    "pow": _power,
}

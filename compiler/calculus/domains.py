"""Has a loss a value wherever the last activation can put the outputs?

Proved by interval analysis (`ranges.py`) where it can be; else outputs and targets are tried, and a loss is refused
only with a case in which it has no value. What depends on the targets alone is for the data to tell, and of targets the
kindest ones are assumed: a loss is right if it is so for some kind of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus.arrays import laid
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.intervals import INF, LINE, Range
from netc.compiler.calculus.ir import SAMPLES, Apply, Axis, Expr, Reduce, Var, children, postorder
from netc.compiler.calculus.ranges import Fault, Ranges, pointwise
from netc.compiler.calculus.simplify import rebuild
from netc.dsl.record import record

Array = NDArray[Any]
TRIED = (-1.0, 0.0, 1.0, -0.3, 0.3, -3.0, 3.0, -6.0, 6.0)
"""Pre-activations and targets that are tried where nothing is proved."""


def variables(units: int) -> tuple[Var, Var, Var]:
    """z, u and y of one sample: pre-activations, outputs and targets."""
    axes = (Axis("units", units),)
    return Var("z", axes), Var("u", axes), Var("y", axes)


@record
class NoValue:
    """The loss calls `op` where it has no value; "value" of inf - inf, where the argument is the call."""

    op: str
    argument: Expr
    range: Range
    """Where the argument can lie."""
    output: float | None
    """An output for which it is so, one of the sample's; none where it is of numbers alone."""


def without_value(output: Expr, loss: Expr, units: int) -> NoValue | None:
    """The first function of the loss, a number in u and y, without a value; `output` is u, in z (see `variables`).

    Both as they are written: laws that join the two keep a value where rounding would lose it.
    """
    z, u, y = variables(units)
    given = _range(output, z, units)
    faults: list[Fault] = []
    for targets, one_hot in _kinds_of_targets(units):
        found = Ranges({u: given, y: targets}, units, y if one_hot else None)
        found.of(loss)
        new = [f for f in found.faults if u in postorder(f.argument) or _of_numbers(f)]
        if not new:
            return None
        faults = faults or new
    for fault in filter(_of_numbers, faults):
        op = "value" if fault.argument == fault.node else fault.node.op
        return NoValue(op, fault.argument, fault.range, None)
    found_at = [_tried(output, loss, units, *kind) for kind in _kinds_of_targets(units)]
    if found_at[0] is None or None in found_at:
        return None
    return NoValue(faults[0].node.op, faults[0].argument, faults[0].range, found_at[0])


def _of_numbers(fault: Fault) -> bool:
    return not any(isinstance(node, Var) for node in postorder(fault.argument))


def _range(output: Expr, z: Var, units: int) -> Range:
    if any(isinstance(node, Reduce) for node in postorder(output)):
        return Ranges({z: LINE}, units).of(output)
    return pointwise(output, z)


def _kinds_of_targets(units: int) -> Iterator[tuple[Range, bool]]:
    """Anything, amounts, probabilities, signs; and one 1 among zeros."""
    for targets in (LINE, Range(0.0, INF, True), Range(0.0, 1.0), Range(-1.0, 1.0)):
        yield targets, False
    if units > 1:
        yield Range(0.0, 1.0), True


# -- trying ------------------------------------------------------------------------------------------


def _tried(output: Expr, loss: Expr, units: int, targets: Range, one_hot: bool) -> float | None:
    """An output of a sample for which a function that reads it has no value, if any of those tried is one."""
    _, u, _ = variables(units)
    rows = [np.full(units, z) for z in TRIED]
    if units > 1:
        rows += list(3 * np.random.default_rng(0).standard_normal((16, units)))
    outputs = _Values({"z": np.array(rows)}, units).of(output)
    outputs = outputs[np.isfinite(outputs).all(axis=1)]
    goals = list(np.eye(units)) if one_hot else [np.full(units, y) for y in TRIED if y in targets]
    if not len(outputs) or not goals:
        return None
    exact = [(row, row) for row in outputs if not one_hot and all(x in targets for x in row)]
    us, ys = (np.array(side) for side in zip(*product(outputs, goals), *exact, strict=True))
    values = _Values({"u": us, "y": ys}, units)
    for node, active in _active(loss, values):
        if isinstance(node, Apply) and node.op in _DOMAINS and u in postorder(node):
            outside = active & ~_DOMAINS[node.op](*(values.of(a) for a in node.args))
            if outside.any():
                return float(us[outside][0])
    return None


class _Values:
    """Of expressions over the units of a sample, for many samples: (samples, units), whatever they depend on."""

    def __init__(self, arrays: dict[str, Array], units: int) -> None:
        self.arrays = arrays
        self.axes = (SAMPLES, Axis("units", units))
        self.shape = next(iter(arrays.values())).shape

    def of(self, expr: Expr) -> Array:
        whole = rebuild(expr, lambda e: Var(e.name, self.axes) if isinstance(e, Var) else e)
        found = laid(evaluate(whole, self.arrays), whole.axes, self.axes)
        return np.broadcast_to(found, self.shape)


def _active(loss: Expr, values: _Values) -> Iterator[tuple[Expr, Array]]:
    """Every node, and for which samples and outputs its value counts: of a choice the chosen branch."""
    active: dict[Expr, Array] = {loss: np.ones(values.shape, bool)}
    for node in reversed(list(postorder(loss))):
        here = active.setdefault(node, np.zeros(values.shape, bool))
        yield node, here
        masks = [here] * len(children(node))
        match node:
            case Apply("select", (condition, _, _)):
                holds = values.of(condition).astype(bool)
                masks = [here, here & holds, here & ~holds]
        for child, mask in zip(children(node), masks, strict=True):
            active[child] = active.get(child, np.zeros(values.shape, bool)) | mask


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

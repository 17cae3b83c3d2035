"""Whether the schedules of two files give the same values: they are computed, not read.

A table and a closed form with equal values are one schedule; so are one that never moves and a number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.lower.layer_schedules import APART, told
from netc.compiler.lower.schedule import lower_schedule
from netc.compiler.meaning.spec import Schedule, Spec
from netc.compiler.rules.explain import short

Values = NDArray[np.float64]
PER_EPOCH = 7
"""Iterations in an epoch of the trial; any number that is not 1."""
MOST = 400
"""Epochs of the trial, where the file does not say."""


def compare_schedules(a: Spec, b: Spec) -> tuple[str, ...] | None:
    """Notes on the differences, or None where there are none."""
    notes: list[str] = []
    different = False
    for x, y in _pairs(a.schedules, b.schedules):
        if x is not None and y is not None and (x.recursion or y.recursion):
            different |= (x.recursion and _recursion(x)) != (y.recursion and _recursion(y))
            continue
        steps = _steps(a, b)
        first, second = _values(x, a, y, steps), _values(y, b, x, steps)
        if first is None or second is None or not np.allclose(first, second, rtol=1e-12, atol=0):
            different = True
            notes += _notes(first, second)
    first_numbers, second_numbers = _of_layers(a, b), _of_layers(b, a)
    for state in first_numbers.keys() & second_numbers.keys():
        first, second = first_numbers[state], second_numbers[state]
        if not np.allclose(first, second, rtol=1e-12, atol=0):
            different = True
            notes += _notes(first, second)
    different |= bool(a.layer_schedules or b.layer_schedules) and _recursive(a) != _recursive(b)
    return tuple(dict.fromkeys(notes)) if different else None


def _of_layers(spec: Spec, other: Spec) -> dict[str, Values]:
    """What layers are told in each step, but for what goes by results."""
    steps = _steps(spec, other)
    known = {f"{APART}{s.name}": _values(s, spec, None, steps) for s in spec.layer_schedules}
    values = {name: v for name, v in known.items() if v is not None}
    return {
        t.state: np.broadcast_to(evaluate(t.value, values), steps.shape)
        for t in told(spec)
        if {n.name for n in ir.postorder(t.value) if isinstance(n, ir.Var)} <= values.keys()
    }


def _recursive(spec: Spec) -> Any:
    """The rest of it."""
    found = {s.name: _recursion(s) for s in spec.layer_schedules if s.recursion is not None}
    return found, [(t.state, t.value) for t in told(spec) if found]


def together(a: Spec, b: Spec) -> dict[str, str]:
    """Parameters of A and B that take the same values in each step."""
    steps = _steps(a, b)
    found = {}
    for x, y in _pairs(a.schedules, b.schedules):
        if x is None or y is None:
            continue
        first, second = _values(x, a, y, steps), _values(y, b, x, steps)
        recursive = x.recursion is not None and y.recursion is not None and _recursion(x) == _recursion(y)
        equal = first is not None and second is not None and np.allclose(first, second, rtol=1e-12, atol=0)
        if recursive or equal:
            found[x.name] = y.name
    return found


def _pairs(a: tuple[Schedule, ...], b: tuple[Schedule, ...]) -> list[tuple[Schedule | None, Schedule | None]]:
    """By name; one that is left on each side belongs to the other (`eta` and `lr`)."""
    left, right = ({s.name: s for s in side} for side in (a, b))
    pairs: list[tuple[Schedule | None, Schedule | None]] = [
        (left.pop(n), right.pop(n)) for n in [*left] if n in right
    ]
    if len(left) == len(right) == 1:
        return [*pairs, (*left.values(), *right.values())]  # type: ignore[list-item]
    return [*pairs, *((s, None) for s in left.values()), *((None, s) for s in right.values())]


def _recursion(schedule: Schedule) -> Any:
    assert schedule.recursion is not None
    return schedule.recursion.body, schedule.recursion.arguments


def _steps(a: Spec, b: Spec) -> Values:
    planned = [s.training.epochs for s in (a, b) if s.training.epochs > 0]
    return np.arange(PER_EPOCH * min([*planned, MOST]), dtype=np.float64)


def _values(schedule: Schedule | None, spec: Spec, other: Schedule | None, steps: Values) -> Values | None:
    """In each step; without a schedule, the number of the same parameter."""
    if schedule is None:
        number = dict(spec.optimizer.arguments).get(other.name if other else "")
        return None if number is None else np.full(len(steps), number)
    if schedule.recursion is not None:
        return None
    follower = lower_schedule(schedule, spec)
    clocks = {"n": steps, "epoch": steps / PER_EPOCH, "m": float(PER_EPOCH)}
    value = evaluate(follower.value, {**dict(follower.hypers), **clocks})
    return np.broadcast_to(np.asarray(value, np.float64), steps.shape)


def _notes(a: Values | None, b: Values | None) -> list[str]:
    if a is None or b is None:
        return []
    first = int(np.argmax(~np.isclose(a, b, rtol=1e-12, atol=0)))
    with np.errstate(all="ignore"):
        ratio = b / a
    if np.all(np.isfinite(ratio)) and np.allclose(ratio, ratio[0], rtol=1e-12):
        return [f"in proportion: B's is {short(float(ratio[0]))} times A's throughout"]
    when = f"epoch {short(first / PER_EPOCH)}" if first % PER_EPOCH == 0 else f"epoch {first / PER_EPOCH:.2g}"
    return [f"from {when} on: {short(float(a[first]))} in A, {short(float(b[first]))} in B"]

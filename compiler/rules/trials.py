"""Trials that look where two rules may differ: a difference that is found refutes, that none is found proves nothing.

    worlds      gradients and starts of many orders of magnitude, zeros, ties, a first gradient of 0
    batches     1, 2, 3, 7, and whatever m is compared with
    steps       past every number that stands with n or epoch; to a large one a run of zero gradients leads, where
                that moves nothing

All is computed in sixty digits; rules with functions that decimals do not know (tanh, ...) in extended precision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir
from netc.compiler.proofs.ranges import Number
from netc.compiler.rules.decimals import exactly, overflowed, sixty_digits
from netc.compiler.rules.simulate import Label, Trace, World, make_world, simulate
from netc.dsl.record import record

STEPS = 40
ELEMENTS = 6
SAME = 1e-25
"""Relative difference of sixty digits that is none."""
NEARLY = 1e-9
"""Of numbers in extended precision."""
LONG = 600
"""Steps that are run one by one; further on only where zero gradients lead there."""
TRIES = 6
"""Of worlds with many orders of magnitude."""
FAR = 1e15
"""Beyond it n, a float64, does not count whole numbers for long."""
CLOCKS = frozenset({"n", "epoch", "m"})
Values = Mapping[str, Number]


Steps = Mapping[str, tuple[float, ...]]
"""What parameters are in each step."""


@record
class Trial:
    world: World
    words: str
    schedules: tuple[Steps, Steps] = ({}, {})
    """Of A's parameters and of B's."""
    tolerance: float = SAME


@record
class Difference:
    """The first that was seen: theta[n] or a point of step n, of the two in one element, or what step n asks for."""

    trial: Trial
    n: int
    element: int
    a: Any
    b: Any
    what: str


@record
class Tried:
    """What was tried, in words, and the difference if one was found."""

    count: int
    words: tuple[str, ...]
    difference: Difference | None = None


def ordinary() -> Trial:
    """Gradients of many sizes, some zero, and a burst."""
    return Trial(make_world(STEPS, 5, 100, np.float64), "gradients of five sizes")


def at_once(found: Difference) -> Tried:
    """By the first trial."""
    return Tried(1, (found.trial.words,), found)


def try_all(a: ir.Rule, b: ir.Rule, at: Values, bt: Values) -> Tried:
    """Until a difference is found."""
    words: list[str] = []
    for count, trial in enumerate(trials(a, b), start=1):
        words.append(trial.words)
        found = difference(a, b, at, bt, trial)
        if found is not None:
            return Tried(count, tuple(dict.fromkeys(words)), found)
    return Tried(len(words), tuple(dict.fromkeys(words)))


def trials(a: ir.Rule, b: ir.Rule) -> Iterator[Trial]:
    yield ordinary()
    for seed in range(TRIES):
        yield Trial(_wide(seed), "gradients and theta[0] from 1e-12 to 1e12, zeros and ties")
    numbers = sorted(compared(a) | compared(b))
    for m in sorted({1, 3, 7} | {k for n in numbers for k in (n - 1, n, n + 1) if 1 <= k < 10**6}):
        world = replace(make_world(12, 3, m, np.float64), batches=m)
        yield Trial(world, "1, 3, 7 and other numbers of batches")
    near = [n for n in numbers if 12 < n <= LONG]
    for m in (1, 2):
        if near and m * near[-1] <= LONG:
            steps = m * near[-1] + 8
            world = replace(make_world(steps, 2, 5, np.float64), batches=m)
            yield Trial(world, f"{steps} steps, past what n and epoch are compared with")
    for n in numbers:
        if n > LONG // 2:
            for m in (1, 2):
                first = max(m * n - 3, 0)
                if all(_stays(rule, first) for rule in (a, b)):
                    world = replace(make_world(8, 3, 5, np.float64), batches=m, first=first)
                    yield Trial(world, f"gradients from n = {first} on, after zeros")


def compared(rule: ir.Rule) -> set[int]:
    """Whole numbers next to those that stand in an expression with n, epoch or m."""
    found: set[int] = set()
    for expr in _expressions(rule.body):
        clocked: set[int] = set()
        for node in ir.postorder(expr):
            if isinstance(node, ir.Var) and node.name in CLOCKS:
                clocked.add(id(node))
            elif any(id(child) in clocked for child in ir.children(node)):
                clocked.add(id(node))
                numbers = [c.value for c in ir.postorder(node) if isinstance(c, ir.Const)]
                found |= {k for v in numbers if 0 <= v < FAR for k in (int(v), int(v) + 1)}
    return found


def _expressions(body: tuple[ir.Stmt, ...]) -> Iterator[ir.Expr]:
    for stmt in body:
        match stmt:
            case ir.Assign(value=value):
                yield value
            case ir.For(first=first, last=last, body=inside):
                yield from (first, last, *_expressions(inside))
            case ir.Repeat(body=inside):
                yield from _expressions(inside)
            case ir.Until(condition) | ir.Stop(condition):
                yield condition
            case ir.If(condition, inside, otherwise):
                yield from (condition, *_expressions(inside), *_expressions(otherwise))


def _stays(rule: ir.Rule, first: int) -> bool:
    """Whether zero gradients leave theta and the states where they start, early and just before `first`."""
    for at in (0, first - 4):
        world = World(np.zeros((4, 4, 2)), np.ones((4, 4)), np.array([0.5, -2.0]), max(at, 0))
        trace = simulate(rule, {}, world)
        begin = simulate(rule, {}, replace(world, gradients=world.gradients[:0]))
        moved = [np.any(x != trace.thetas[0]) for x in trace.thetas]
        moved += [np.any(np.asarray(trace.states[s]) != begin.states[s]) for s in trace.states]
        if any(moved):
            return False
    return True


def _wide(seed: int) -> World:
    draw = np.random.default_rng(1000 + seed)

    def numbers(*shape: int) -> NDArray[np.float64]:
        found = draw.choice([-1.0, 1.0], shape) * 10 ** draw.uniform(-12, 12, shape)
        found[draw.random(shape) < 0.15] = 0
        ties = draw.random(shape) < 0.15
        found[ties] = draw.choice([-1.0, 1.0, 2.0, 0.5], shape)[ties]
        return found

    steps = 24
    gradients = numbers(steps, 4, ELEMENTS)
    gradients[:, :, 0] = draw.choice([-1.0, 0.0, 1.0])  # one that is always the same
    if seed % 2:
        gradients[0] = 0
    losses = np.sort(10 ** draw.uniform(-6, 6, (steps, 4)))[:, ::-1]  # they fall, so that searches end
    if seed % 4 > 1:
        losses = -losses[:, ::-1]
    return World(gradients, losses.copy(), numbers(ELEMENTS), batches=(1, 2, 3, 5)[seed % 4])


# -- differences -------------------------------------------------------------------------------------


def difference(a: ir.Rule, b: ir.Rule, at: Values, bt: Values, trial: Trial) -> Difference | None:
    """The first step in which they differ; from a step on in which both have no value (0/0) nothing is compared."""
    try:
        with sixty_digits() as context:
            world = _converted(trial.world, np.vectorize(lambda x: exactly(float(x)), otypes=[object]))
            values: list[dict[str, Any]] = [{n: _decimal(v.value) for n, v in of.items()} for of in (at, bt)]
            first, second = _traces((a, b), values, world, trial, exactly)
            return None if overflowed(context) else _first(trial, first, second, trial.tolerance)
    except (TypeError, ValueError, OverflowError, AttributeError):
        world = _converted(trial.world, lambda x: x.astype(np.longdouble))
        reals: list[dict[str, Any]] = [{n: _extended(v.value) for n, v in of.items()} for of in (at, bt)]
        first, second = _traces((a, b), reals, world, trial, np.longdouble)
        return _first(trial, first, second, max(NEARLY, trial.tolerance))


def _traces(
    rules: tuple[ir.Rule, ir.Rule],
    values: list[dict[str, Any]],
    world: World,
    trial: Trial,
    number: Callable[[float], Any],
) -> Iterator[Trace]:
    for rule, of, steps in zip(rules, values, trial.schedules, strict=True):
        first = {name: number(x[0]) for name, x in steps.items()}

        def now(n: int, steps: Steps = steps) -> dict[str, Any]:
            return {name: number(x[n]) for name, x in steps.items()}

        yield simulate(rule, of | first, world, now)


def _converted(world: World, to: Callable[[NDArray[np.float64]], NDArray[Any]]) -> World:
    """The digits of the float64 numbers, so that a difference can be replayed."""
    return replace(world, gradients=to(world.gradients), losses=to(world.losses), theta=to(world.theta))


def _decimal(x: Fraction) -> Decimal:
    return Decimal(x.numerator) / Decimal(x.denominator)


def _extended(x: Fraction) -> np.longdouble:
    return np.longdouble(x.numerator) / np.longdouble(x.denominator)


def _at_theta(trace: Trace) -> bool:
    """Does each step ask at theta[n] first?"""
    if not trace.points:
        return True
    first = dict(zip(reversed(trace.steps), reversed(trace.points), strict=True))
    return all(n in first and first[n] is trace.thetas[n] for n in range(len(trace.thetas) - 1))


def _asked(trace: Trace) -> defaultdict[int, tuple[Label, ...]]:
    """What each step asks for, in order."""
    found = defaultdict[int, tuple[Label, ...]](tuple)
    for n, label in zip(trace.steps, trace.labels, strict=True):
        found[n] += (label,)
    return found


def _first(trial: Trial, a: Trace, b: Trace, tolerance: float) -> Difference | None:
    if a.labels != b.labels:
        mine, theirs = _asked(a), _asked(b)
        n = next(n for n in sorted({*mine, *theirs}) if mine[n] != theirs[n])
        return Difference(trial, n + trial.world.first, 0, mine[n], theirs[n], "asks")
    moments = [(n, "point", x, y) for n, x, y in zip(a.steps, a.points, b.points, strict=True)]
    if all(_at_theta(t) for t in (a, b)):  # else theta itself may be another one
        thetas = [(n, "theta", x, y) for n, (x, y) in enumerate(zip(a.thetas, b.thetas, strict=True))]
        moments = sorted([*thetas, *moments], key=lambda moment: moment[0])
    start = a.thetas[0][0]
    way = np.abs(start - start)
    for n, what, left, right in moments:
        x, y = np.broadcast_arrays(left[0], right[0])
        lost = (x != x), (y != y)
        if np.any(lost[0]) and np.all(lost[0] == lost[1]):
            return None
        way = np.maximum(way, np.maximum(np.abs(x - start), np.abs(y - start)))
        gap = np.abs(x - y)
        apart = (gap > way * exactly(tolerance) if x.dtype == object else gap > way * tolerance) & (x != y)
        apart = apart | (lost[0] != lost[1])
        if np.any(apart):
            i = int(np.argmax(apart))
            return Difference(trial, n + trial.world.first, i, x[i], y[i], what)
    return None

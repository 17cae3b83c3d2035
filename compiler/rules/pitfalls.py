"""What may bite in an update rule as it is used: facts that were computed or read off the equations.

Each pitfall is one function from a rule in its file to sentences; none of them changes or forbids anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from netc.compiler.calculus.written import exact
from netc.compiler.meaning.bind_arguments import live_names
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.rule_body import equations
from netc.compiler.meaning.spec import Schedule, Spec
from netc.compiler.proofs.linear import is_linear
from netc.compiler.proofs.ranges import Number
from netc.compiler.rules.conditions import rate_inside
from netc.compiler.rules.explain import short
from netc.compiler.rules.mapping import parts
from netc.compiler.rules.rule_text import standalone
from netc.compiler.rules.sides import Side, side
from netc.compiler.rules.simulate import World, simulate
from netc.dsl import ast

FLOOR = 1e-4
"""Gradients below which an epsilon may well take over unnoticed."""


def pitfalls(spec: Spec) -> list[str]:
    rule = side(standalone(spec))
    return [
        *_rate_in_state(spec, rule),
        *_rate_twice(rule),
        *_zero_gradient(rule),
        *_epsilon(spec, rule),
        *_first_step(rule),
        *_coupled_decay(rule),
        *_never_used(spec.optimizer.definition),
    ]


def changes(schedule: Schedule) -> str:
    """When the schedule changes its value: `at epochs 75 and 125`."""
    until = [short(p.until) for p in schedule.pieces[:-1]]
    if not until:
        return f"every {schedule.unit}"
    *first, last = until
    unit = schedule.unit + ("s" if first else "")
    return f"at {unit} {', '.join(first)}{' and ' if first else ''}{last}"


def rates_in_states(spec: Spec, rule: Side) -> Iterator[tuple[Schedule, str]]:
    """Rates that follow a schedule, and the states they sit in."""
    rates = [n for n, p in parts(rule.values).items() if p == "rate"]
    for schedule in spec.schedules:
        if schedule.name in rates and _changes_at_all(schedule):
            yield from ((schedule, state) for state in rate_inside(rule.rule, [schedule.name]))


def _changes_at_all(schedule: Schedule) -> bool:
    numbers = {number_or_none(piece.value) for piece in schedule.pieces}
    return schedule.recursion is not None or len(numbers) > 1 or None in numbers


def _rate_in_state(spec: Spec, rule: Side) -> Iterator[str]:
    for schedule, state in rates_in_states(spec, rule):
        yield (
            f"the rate {schedule.name} sits inside {state}, and the schedule changes it {changes(schedule)}: "
            f"{state} keeps the steps made with the old rate. Rules with the rate outside (torch.SGD, "
            "momentum.heavy_ball) differ from there on."
        )


def _moved(rule: Side, gradient: float, theta: float = 1.0, real: type = np.longdouble) -> float:
    """How far one step goes from theta for this gradient, in the first of three equal elements."""
    world = World(np.full((1, 4, 3), gradient, real), np.ones((1, 4), real), np.full(3, theta, real))
    first, last = simulate(rule.rule, rule.values, world).thetas
    return float((last - first)[0, 0])


def _without_decay(rule: Side) -> Side:
    values = {n: 0.0 if p == "decay" else rule.values[n] for n, p in parts(rule.values).items()}
    return replace(rule, values=values)


def _rates(rule: Side) -> list[str]:
    return [n for n, p in parts(rule.values).items() if p == "rate" and rule.values[n]]


def doubled_rates(rule: Side) -> Iterator[str]:
    """Rates of which twice as much makes a step four times as long."""
    plain = _without_decay(rule)
    for rate in _rates(rule):
        twice = replace(plain, values={**plain.values, rate: 2 * rule.values[rate]})
        step, doubled = _moved(plain, 1.0), _moved(twice, 1.0)
        if step and abs(doubled / step - 4) < 1e-6:
            yield rate


def _rate_twice(rule: Side) -> Iterator[str]:
    for rate in doubled_rates(rule):
        yield f"the rate {rate} acts twice: twice the rate makes steps four times as long."


def _zero_gradient(rule: Side) -> Iterator[str]:
    if not np.isfinite(_moved(rule, 0.0)) and np.isfinite(_moved(rule, 1.0)):
        yield "a first gradient of exactly 0 gives 0/0: there is no epsilon in the denominator, or it is 0."


def adaptive(rule: Side) -> bool:
    """A hundred times the gradient makes about the same step."""
    plain = _without_decay(rule)
    one, hundred = _moved(plain, 1e4), _moved(plain, 1e6)
    return bool(one) and abs(hundred / one - 1) < 0.01


def dominated(rule: Side) -> float:
    """The size of a first gradient below which the step is less than half of what it is for large ones."""
    plain = _without_decay(rule)
    full, low, high = abs(_moved(plain, 1e6)), -30.0, 6.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if abs(_moved(plain, 10**middle)) < full / 2 else (low, middle)
    return float(10**high)


def lost_in_single(rule: Side) -> float | None:
    """A size of the first gradient for which float32 makes another step than exact numbers, to its first digit."""
    plain = _without_decay(rule)
    full = abs(_moved(plain, 1e6, 0.0))
    for size in 10.0 ** np.arange(-36, 0):
        exact, single = (_moved(plain, size, 0.0, real) for real in (np.longdouble, np.float32))
        if not abs(single - exact) <= 0.1 * max(abs(exact), full):
            return float(size)
    return None


def _epsilon(spec: Spec, rule: Side) -> Iterator[str]:
    single = spec.training.precision == "f32"
    for eps, what in parts(rule.values).items():
        if what != "epsilon":
            continue
        value = rule.values[eps]
        if single and np.float32(value) < np.finfo(np.float32).tiny:
            yield f"{eps} = {short(value)} is 0 in float32: the denominator is not protected."
        elif single and adaptive(rule) and (size := lost_in_single(rule)) is not None:
            yield (
                f"{eps} = {short(value)} is lost in float32: for a gradient of {size:.0e} the step is not the one "
                "that the equations say."
            )
        if adaptive(rule) and (size := dominated(rule)) > FLOOR / 2:
            yield (
                f"{eps} = {short(value)} dominates the first step for gradients below {size:.1g}: there the rule "
                "is gradient descent."
            )


def _first_step(rule: Side) -> Iterator[str]:
    plain = _without_decay(rule)
    rates = _rates(rule)
    if len(rates) != 1 or not adaptive(rule):
        return
    ratio = abs(_moved(plain, 1e6)) / rule.values[rates[0]]
    if not 0.5 < ratio < 2:
        yield f"the first step is {ratio:.3g} times {rates[0]}, whatever the gradient: its averages start at 0."


def _coupled_decay(rule: Side) -> Iterator[str]:
    decays = [n for n, p in parts(rule.values).items() if p == "decay" and rule.values[n]]
    states = rate_inside(rule.rule, decays) if decays else []
    if states and not _linear(rule):
        yield (
            f"{decays[0]} is L2: it goes through the gradient into {' and '.join(states)}, and is divided like it, so "
            "that parameters with large gradients decay least. AdamW decays theta itself."
        )


def _linear(rule: Side) -> bool:
    return is_linear(rule.rule, {h.name: Number(exact(h.value)) for h in rule.rule.hypers})


def unused(rule: ast.Optimizer, watched: frozenset[str] = frozenset()) -> list[ast.Equation]:
    """The first equation of each state or local on which neither theta nor the end of a search depends, nor anything
    that is watched."""
    found = {e.name: e for e in reversed(list(equations(rule.body))) if e.indices != (ast.Number(0.0),)}
    live = live_names(rule.body, watched)
    return [found[name] for name in reversed(found) if name not in live]


def _never_used(rule: ast.Optimizer) -> Iterator[str]:
    for equation in unused(rule):
        yield f"{equation.name} is computed and never used."

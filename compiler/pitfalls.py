"""What may bite in an update rule as it is used: facts that were computed or read off the equations.

Each pitfall is one function from a rule in its file to sentences; none of them changes or forbids anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from netc.compiler.compare_rules import Side, rate_inside, side
from netc.compiler.explain import short
from netc.compiler.linear import NotLinear, recursion
from netc.compiler.mapping import parts
from netc.compiler.resolve_tree import walk
from netc.compiler.rule_text import standalone
from netc.compiler.simulate import World, simulate
from netc.compiler.spec import Schedule, Spec
from netc.dsl import ast
from netc.dsl.printer import print_expr

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
        *_uphill_test(spec.optimizer.definition),
    ]


def changes(schedule: Schedule) -> str:
    """When the schedule changes its value: `at epochs 75 and 125`."""
    until = [short(p.until) for p in schedule.pieces[:-1]]
    if not until:
        return f"every {schedule.unit}"
    *first, last = until
    unit = schedule.unit + ("s" if first else "")
    return f"at {unit} {', '.join(first)}{' and ' if first else ''}{last}"


def _rate_in_state(spec: Spec, rule: Side) -> Iterator[str]:
    rates = [n for n, p in parts(rule.values).items() if p == "rate"]
    for schedule in spec.schedules:
        if schedule.name not in rates:
            continue
        for state in rate_inside(rule.rule, [schedule.name]):
            yield (
                f"the rate {schedule.name} sits inside {state}, and the schedule changes it {changes(schedule)}: "
                f"{state} keeps the steps made with the old rate. Rules with the rate outside (torch.SGD, "
                "momentum.heavy_ball) differ from there on."
            )


def _moved(rule: Side, gradient: float, theta: float = 1.0, **values: float) -> float:
    """How far one step goes from theta for this gradient, in the first of three equal elements."""
    real = np.longdouble
    world = World(np.full((1, 4, 3), gradient, real), np.ones((1, 4), real), np.full(3, theta, real))
    first, last = simulate(rule.rule, {**rule.values, **values}, world).thetas
    return float((last - first)[0, 0])


def _without_decay(rule: Side) -> Side:
    values = {n: 0.0 if p == "decay" else rule.values[n] for n, p in parts(rule.values).items()}
    return replace(rule, values=values)


def _rates(rule: Side) -> list[str]:
    return [n for n, p in parts(rule.values).items() if p == "rate" and rule.values[n]]


def _rate_twice(rule: Side) -> Iterator[str]:
    plain = _without_decay(rule)
    for rate in _rates(rule):
        step, doubled = _moved(plain, 1.0), _moved(plain, 1.0, **{rate: 2 * rule.values[rate]})
        if step and abs(doubled / step - 4) < 1e-6:
            yield f"the rate {rate} acts twice: twice the rate makes steps four times as long."


def _zero_gradient(rule: Side) -> Iterator[str]:
    if not np.isfinite(_moved(rule, 0.0)) and np.isfinite(_moved(rule, 1.0)):
        yield "a first gradient of exactly 0 gives 0/0: there is no epsilon in the denominator, or it is 0."


def _adaptive(rule: Side) -> bool:
    """A hundred times the gradient makes about the same step."""
    one, hundred = _moved(rule, 1e4), _moved(rule, 1e6)
    return bool(one) and abs(hundred / one - 1) < 0.01


def _epsilon(spec: Spec, rule: Side) -> Iterator[str]:
    plain = _without_decay(rule)
    for eps, what in parts(rule.values).items():
        if what != "epsilon":
            continue
        value = rule.values[eps]
        if spec.training.precision == "f32" and np.float32(value) < np.finfo(np.float32).tiny:
            yield f"{eps} = {short(value)} is 0 in float32: the denominator is not protected."
        if not _adaptive(plain):
            continue
        full, low, high = abs(_moved(plain, 1e6)), -30.0, 6.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if abs(_moved(plain, 10**middle)) < full / 2 else (low, middle)
        if 10**high > FLOOR / 2:
            yield (
                f"{eps} = {short(value)} dominates the first step for gradients below {10**high:.1g}: there the rule "
                "is gradient descent."
            )


def _first_step(rule: Side) -> Iterator[str]:
    plain = _without_decay(rule)
    rates = _rates(rule)
    if len(rates) != 1 or not _adaptive(plain):
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
    try:
        recursion(rule.rule, {}, 1, 1)
    except NotLinear:
        return False
    return True


def _never_used(rule: ast.Optimizer) -> Iterator[str]:
    nodes = [n for action in rule.body for n in walk(action)]
    read = {n.id for n in nodes if isinstance(n, ast.Name)}
    written = dict.fromkeys(n.name for n in nodes if isinstance(n, ast.Equation))
    for name in written:
        if name != "theta" and name not in read:
            yield f"{name} is computed and never used."


def _uphill_test(rule: ast.Optimizer) -> Iterator[str]:
    """The talk's misprint: R(theta + h*grad R) compared, theta - h*grad R taken."""
    nodes = [n for action in rule.body for n in walk(action)]
    steps = [
        e.value.right
        for e in nodes
        if isinstance(e, ast.Equation)
        and e.name == "theta"
        and isinstance(e.value, ast.Binary)
        and e.value.op == "-"
    ]
    for node in nodes:
        match node:
            case ast.Call(ast.Name(loss), (ast.Argument(None, ast.Binary("+", _, step) as point),)) if (
                loss not in ("min", "max") and step in steps
            ):
                yield (
                    f"the loss is tried at {print_expr(point)}, uphill, but the step goes to the other side: "
                    f"{print_expr(replace(point, op='-'))} is likely meant."
                )

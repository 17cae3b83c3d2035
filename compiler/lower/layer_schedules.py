"""Numbers of layers that follow a schedule: each is a state of its layer, which the rule sets before all else.

What a schedule says is computed as for the rule's own numbers (`schedule.py`), under a name that no rule has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isnan

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.simplify import simplify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.lower.flow import Flow
from netc.compiler.lower.schedule import Follower, first_value, lower_schedule
from netc.compiler.meaning.layer_parameters import with_shapes_apart
from netc.compiler.meaning.spec import Spec, Use
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.source import Span
from netc.dsl.walks import conjuncts, names_in

APART = "of_layers_"
"""Before the name of a schedule: a rule may use the bare one for something else."""


@record
class Told:
    """What the rule says to a layer in each iteration."""

    state: str
    value: ir.Expr
    """In terms of followers."""
    required: tuple[ir.Expr, ...]
    """What the layer requires of it."""
    span: Span


def followers(spec: Spec) -> tuple[Follower, ...]:
    return tuple(lower_schedule(replace(s, name=f"{APART}{s.name}"), spec) for s in spec.layer_schedules)


def told(spec: Spec) -> Iterator[Told]:
    if spec.network is None or not spec.layer_schedules:
        return
    functions = {a.name.lower(): a for a in spec.functions}
    flow = Flow(functions)
    flow.chain(spec.network.operations, ir.Var("x", (ir.SAMPLES, *_axes(spec.network.input))))
    known: dict[str, ir.Expr] = {s.name: ir.Var(f"{APART}{s.name}", ir.SCALAR) for s in spec.layer_schedules}

    def lowered(value: ast.Expr, names: dict[str, ir.Expr]) -> ir.Expr:
        return simplify(lower_expr(value, Environment(names, functions)))

    for layer, use in flow.told:
        values = {name: lowered(value, known) for name, value in use.scheduled}
        conditions = tuple(lowered(c, {**_constants(use), **values}) for c in _required(use))
        for name, value in values.items():
            yield Told(f"{layer}.{name}", value, conditions, use.span)
            conditions = ()


def _axes(shape: tuple[int, ...]) -> ir.Axes:
    return tuple(ir.Axis(f"x{i}", size) for i, size in enumerate(shape))


def _constants(use: Use) -> dict[str, ir.Expr]:
    return {name: ir.Const(value) for name, value in use.arguments}


def _required(use: Use) -> Iterator[ast.Expr]:
    """Of numbers that are scheduled; of the others the checker has asked it. What is `none` is required nothing of."""
    scheduled = {name for name, _ in use.scheduled}
    absent = {name for name, value in use.arguments if isnan(value)} - scheduled
    for setting in with_shapes_apart(use.definition).settings:
        for condition in conjuncts(setting.value) if setting.name == "require" else ():
            if (named := names_in(condition)) & scheduled and not named & absent:
                yield condition


def first_values(spec: Spec, batches: int = 1) -> dict[str, float]:
    """Of the states, before the first iteration. The checker has seen that they hang on no number of batches."""
    at_start = {f.name: first_value(f, batches) for f in followers(spec)}
    return {t.state: float(evaluate(t.value, at_start)) for t in told(spec)}

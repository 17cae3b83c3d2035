"""Schedules -> what stands at the top of an iteration: the hyper-parameter's value in terms of n and epoch.

The numbers of a schedule become hyper-parameters of their own (`eta_1`, `eta_until_1`), so that another
number compiles nothing. A recursion (plateau) becomes scalar states with a step at the end of each epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.simplify import simplify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.lower.starts import start
from netc.compiler.meaning.spec import Recursion, Schedule, Spec, Training
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.source import Span

N, EPOCH, BATCHES = ir.Var("n", ir.SCALAR), ir.Var("epoch", ir.SCALAR), ir.Var("m", ir.SCALAR)
EPOCHS, STEPS = ir.Var("planned_epochs", ir.SCALAR), ir.Var("planned_steps", ir.SCALAR)


@record
class Follower:
    """A hyper-parameter that follows a schedule."""

    name: str
    value: ir.Expr
    """At iteration n."""
    first: ir.Expr
    """At n = 0, for starts of states."""
    hypers: tuple[tuple[str, float], ...]
    states: tuple[ir.State, ...]
    epoch_end: tuple[ir.Stmt, ...]
    commits: tuple[ir.Commit, ...]
    span: Span


def lower_schedule(schedule: Schedule, spec: Spec) -> Follower:
    if schedule.recursion is not None:
        return _recursion(schedule, schedule.recursion)
    lift = _Lift(schedule.name)
    clocks = _clocks(schedule, spec)
    env = Environment(
        clocks,
        {s.name.lower(): s for s in spec.schedule_functions} | {a.name.lower(): a for a in spec.functions},
    )
    clock = EPOCH if schedule.unit == "epoch" else N
    values = [lift.constants(lower_expr(piece.value, env)) for piece in schedule.pieces]
    bounds = [
        lift.named(f"{schedule.name}_until_{i}", p.until) for i, p in enumerate(schedule.pieces[:-1], start=1)
    ]
    value = values[-1]
    for until, piece in zip(reversed(bounds), reversed(values[:-1]), strict=True):
        value = ir.apply("select", ir.apply("lt", clock, until), piece, value)
    value = simplify(value)
    read = {n.name for n in ir.postorder(value) if isinstance(n, ir.Var)}
    planned = [(name, number) for name, number in _planned(spec.training) if name in read]
    first = simplify(_at_start(value))
    return Follower(schedule.name, value, first, (*planned, *lift.found), (), (), (), schedule.span)


def first_value(follower: Follower, batches: float = 1.0) -> float:
    """What it gives in the first iteration, with so many batches."""
    return float(evaluate(follower.first, {**dict(follower.hypers), BATCHES.name: batches}))


def _clocks(schedule: Schedule, spec: Spec) -> dict[str, ir.Expr]:
    """`step`, `epoch` and the planned totals; library schedules in epochs count steps where `unit = step`."""
    per_epoch: ir.Expr = ir.Const(1.0) if spec.optimizer.visits_batches else BATCHES
    epochs, steps = spec.training.epochs > 0, spec.training.steps > 0
    all_epochs: ir.Expr = EPOCHS if epochs else ir.apply("div", STEPS, per_epoch)
    all_steps: ir.Expr = ir.apply("mul", EPOCHS, per_epoch) if epochs else STEPS
    if epochs and steps:  # whichever ends first
        all_steps = ir.apply("min", all_steps, STEPS)
        all_epochs = ir.apply("min", all_epochs, ir.apply("div", STEPS, per_epoch))
    names = {"step": N, "epoch": EPOCH, "steps": all_steps, "epochs": all_epochs}
    return names if schedule.unit == "epoch" else {**names, "epoch": N, "epochs": all_steps}


def _planned(training: Training) -> list[tuple[str, float]]:
    return [(EPOCHS.name, float(training.epochs)), (STEPS.name, float(training.steps))]


class _Lift:
    """Numbers of a schedule taken out as hyper-parameters `eta_1`, `eta_2`, ..., equal ones once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[tuple[str, float]] = []

    def named(self, name: str, value: float) -> ir.Expr:
        self.found.append((name, value))
        return ir.Var(name, ir.SCALAR)

    def constants(self, expr: ir.Expr) -> ir.Expr:
        match simplify(expr):
            case ir.Const(value):
                same = [n for n, v in self.found if v == value]
                return (
                    ir.Var(same[0], ir.SCALAR)
                    if same
                    else self.named(f"{self.name}_{len(self.found) + 1}", value)
                )
            case ir.Apply(op, args) if op != "pow":  # x^2 is a product, x^0.5 a root: exponents stay
                return ir.Apply(op, tuple(self.constants(a) for a in args))
            case ir.Apply("pow", (base, ir.Const() as exponent)):
                return ir.Apply("pow", (self.constants(base), exponent))
            case ir.Apply("pow", args):
                return ir.Apply("pow", tuple(self.constants(a) for a in args))
            case other:
                return other


def _at_start(expr: ir.Expr) -> ir.Expr:
    match expr:
        case ir.Var("n" | "epoch"):
            return ir.Const(0.0)
        case ir.Apply(op, args):
            return ir.Apply(op, tuple(_at_start(a) for a in args))
        case ir.Reduce(arg=arg):
            return replace(expr, arg=_at_start(arg))
    return expr


def _recursion(schedule: Schedule, recursion: Recursion) -> Follower:
    """Its names get the hyper-parameter's in front: `eta_value`, `eta_best`."""

    def own(name: str) -> str:
        return f"{schedule.name}_{name}"

    body = recursion.body
    equations = [a for a in body.actions if isinstance(a, ast.Equation)]
    local = {e.name for e in equations} | {s.name for s in body.states} | {v for v, _ in body.bases}
    parameters = {name: ir.Var(own(name), ir.SCALAR) for name, _ in recursion.arguments}

    def lowered(value: ast.Expr, others: Mapping[str, ir.Expr]) -> ir.Expr:
        return simplify(lower_expr(value, Environment({**parameters, **others})))

    given = {state.name: state.initial for state in body.states}
    starts = {name: start(name, given, lowered) for name in given}
    names: dict[str, ir.Expr] = {
        **{n: ir.Var(own(n), ir.SCALAR) for n in local},
        **parameters,
        "loss": ir.Var("epoch_loss", ir.SCALAR),
        "k": EPOCH,
    }
    steps = tuple(
        ir.Assign(own(e.name), simplify(lower_expr(e.value, Environment(names))), span=e.span)
        for e in equations
    )
    return Follower(
        schedule.name,
        ir.Var(own("value"), ir.SCALAR),
        starts["value"],
        tuple((own(name), value) for name, value in recursion.arguments),
        tuple(ir.State(own(s.name), ir.SCALAR, starts[s.name]) for s in body.states),
        steps,
        tuple(ir.Commit(own(s.name), own(s.next)) for s in body.states),
        schedule.span,
    )

"""Schedules: which hyper-parameter follows which table, closed form or recursion."""

from __future__ import annotations

import math
from collections.abc import Iterable

from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.check.parts.settings import Settings, word
from netc.compiler.check.parts.values import check_required, require_numbers
from netc.compiler.check.rule.schedule_times import NAMED, beside_clock, times_of
from netc.compiler.check.rule.zero import check_denominators
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import SCALAR, Scope
from netc.compiler.meaning.layer_parameters import NONE
from netc.compiler.meaning.resolve import Definitions, head, usual
from netc.compiler.meaning.resolve_rule import resolve_rule
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.compiler.meaning.schedule_calls import expand, is_expanded
from netc.compiler.meaning.spec import Piece, Recursion, Schedule
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.walks import dotted, walk
from netc.dsl.words.vocabulary import meant

CLOCKS = ("step", "epoch", "steps", "epochs")
"""Names in closed forms: iterations and epochs done, and how many are planned."""
VALUE = "value"
"""The state of a recursion that is the schedule's value."""


def check_schedules(
    statements: Iterable[ast.Schedule],
    hypers: list[str],
    of_layers: frozenset[str],
    definitions: Definitions,
    report: Report,
) -> tuple[Schedule, ...]:
    """Of the rule's parameters `hypers`, and of the names that the network reads for numbers of its layers."""
    found: dict[str, Schedule] = {}
    for statement in statements:
        if statement.defines:
            _definition(statement, definitions, report)
            continue
        if statement.name in of_layers and statement.name in hypers:
            message = f"'{statement.name}' is a parameter of the optimizer, and the network reads it too"
            report.error("E0265", head(statement), message, hints=("give each a name of its own",))
        elif statement.name not in hypers and statement.name not in of_layers:
            _unknown(statement, hypers, definitions, report)
        elif statement.name in found:
            report.error(
                "E0505",
                head(statement),
                f"'{statement.name}' has two schedules",
                related=((found[statement.name].span, "the first one"),),
            )
        else:
            schedule = _use(statement, definitions, report)
            if schedule is not None:
                found[statement.name] = schedule
    return tuple(found.values())


def _unknown(statement: ast.Schedule, hypers: list[str], definitions: Definitions, report: Report) -> None:
    """Neither the rule nor the network reads it; it may be meant for a layer."""
    name, example = (
        statement.name,
        "network [... (dropout.inverted(rate)) ...], schedule rate = 0.5 until 20, 0",
    )
    if name == "dropout" or name in definitions.layers:
        message = f"'{name}' is a layer, and a schedule is of a number"
        report.error(
            "E0907", head(statement), message, hints=(f"a number of a layer follows one: {example}",)
        )
        return
    here = next((h for h in hypers if usual(h) == usual(name)), "")
    message = f"the optimizer has no hyper-parameter '{name}', and the network reads no '{name}'"
    if here:
        message = f"the optimizer has no hyper-parameter '{name}': here it is called '{here}'"
    elif meant(name, "setting").startswith("here it is called 'batch'") or name == "batch":
        message = (
            f"'{name}' follows no schedule: a phase may have its own, phase large: epochs = 10, batch = 64"
        )
    has = f"the optimizer has {', '.join(hypers)}" if hypers else "this rule has none"
    hints = did_you_mean(name, hypers) or (has, f"a number of a layer: {example}")
    report.error("E0509", head(statement), message, hints=hints)


def _use(statement: ast.Schedule, definitions: Definitions, report: Report) -> Schedule | None:
    settings = Settings(statement.settings, "schedule", ("unit", "source"), report)
    unit = settings.get("unit", word("epoch", "step"), "epoch")
    recursion = _recursion(statement, definitions, report)
    pieces = () if recursion else tuple(_pieces(statement, definitions, report))
    return Schedule(statement.name, pieces, unit, recursion, span=head(statement))  # type: ignore[arg-type]


def _recursion(statement: ast.Schedule, definitions: Definitions, report: Report) -> Recursion | None:
    """The recursion that the schedule is a call of, if it is one."""
    for piece in statement.pieces:
        for node in walk(piece.value):
            if not isinstance(node, ast.Call):
                continue
            definition = definitions.schedules.get(dotted(node.function) or "")
            if definition is None or not definition.body:
                continue
            if node is not piece.value or len(statement.pieces) > 1:
                report.error(
                    "E0510",
                    node.span,
                    f"'{definition.name}' goes by results and cannot be part of another schedule",
                    hints=(f"use it alone: schedule {statement.name} = {node.span.text}",),
                )
            arguments = _bind_call(definition, node, report)
            return Recursion(
                definition, arguments, resolve_rule(_as_rule(definition), frozenset(), report, "k")
            )
    return None


def _bind_call(definition: ast.Schedule, call: ast.Call, report: Report) -> tuple[tuple[str, float], ...]:
    names, times = [p.name for p in definition.parameters], {*NAMED, *times_of(definition)}
    for place, argument in enumerate(call.arguments):
        name = argument.name or (names[place] if place < len(names) else "")
        if name in times:
            _no_share(argument.value, f"'{name}'", report)
    what = f"'{definition.name}'"
    bound = bind(definition.parameters, call.arguments, call.span, what, report, place="of a schedule")
    check_required(definition, call.arguments, dict(bound), call.span, report)
    # `none` among the arguments of a closed form is told as its value is looked at.
    told = not definition.body and any(a.value == NONE for a in call.arguments)
    if not told and not is_expanded(definition):
        require_numbers(definition, {*dict(bound)}, call.arguments, dict(bound), call.span, report)
    return bound


def _no_share(time: ast.Expr | None, what: str, report: Report) -> None:
    """`until 50%` would be half an epoch."""
    if isinstance(time, ast.Percent):
        message = f"{what} counts epochs, or iterations, and {time.span.text} is a share: of what?"
        hint = "of all epochs by an expression: 0.1 if epoch < epochs/2 else 0.01"
        report.error("E0665", time.span, message, hints=(hint,))


def _as_rule(definition: ast.Schedule) -> ast.Optimizer:
    return ast.Optimizer(
        definition.name, definition.parameters, None, definition.body, (), span=definition.span
    )


def _pieces(statement: ast.Schedule, definitions: Definitions, report: Report) -> Iterable[Piece]:
    past = -math.inf
    for position, piece in enumerate(statement.pieces):
        until = past = _end(piece, past, position == len(statement.pieces) - 1, report)
        if piece.value == NONE:
            stays = f"without a schedule '{statement.name}' stays as it is"
            report.error("E0502", piece.value.span, f"a schedule has a value at all times: {stays}")
            continue
        value = expand(piece.value, definitions, report)
        for time in beside_clock(value):
            _no_share(time, "what stands beside 'epoch' or 'step'", report)
        _value(value, definitions, report)
        if position == 0:
            clock = next((n.id for n in walk(value) if isinstance(n, ast.Name) and n.id in CLOCKS), "step")
            check_denominators(value, {"step": 0.0, "epoch": 0.0}, report, clock)
        yield Piece(value, until)


def _end(piece: ast.Piece, past: float, last: bool, report: Report) -> float:
    """Until when a piece holds, of which the one before ends at `past`."""
    if piece.until is None:
        if not last:
            hint = f"write '{piece.span.text} until ...'"
            message = "only the last value of a schedule may stand without 'until'"
            report.error("E0510", piece.span, message, hints=(hint,))
        return math.inf
    _no_share(piece.until, "'until'", report)
    until, where = math.inf, piece.until.span
    try:
        until = number(piece.until)
    except NotANumber as error:
        report.error("E0502", error.span, f"'until' needs a number: {error.reason}")
    if not math.isfinite(until):
        report.error("E0502", where, "'until' needs a number that comes")
    elif until <= past or until <= 0:
        note = f"this one ends at {until:g}, the one before at {max(past, 0):g}"
        message = "the pieces of a schedule must follow each other in time"
        report.error("E0510", where, message, notes=(note,))
    if last:
        hint = "give the last value without 'until'"
        report.error("E0510", where, f"the schedule says nothing after {until:g}", hints=(hint,))
    return until


def _value(value: ast.Expr, definitions: Definitions, report: Report) -> None:
    for node in walk(value):
        if isinstance(node, ast.Call):
            definition = definitions.schedules.get(dotted(node.function) or "")
            if definition is not None:
                _bind_call(definition, node, report)
    names = dict.fromkeys(CLOCKS, SCALAR)
    Kinds(Scope("a schedule", names, definitions.activations, calls=definitions.schedules), report).number(
        value, "the value"
    )


def _definition(statement: ast.Schedule, definitions: Definitions, report: Report) -> None:
    names = dict.fromkeys((*CLOCKS, *(p.name for p in statement.parameters)), SCALAR)
    for piece in () if is_expanded(statement) else statement.pieces:  # else its calls are checked
        Kinds(Scope("a schedule", names, definitions.activations), report).number(piece.value, "the value")
    times = times_of(statement)
    for parameter in (p for p in statement.parameters if p.name in times):
        _no_share(parameter.default, f"'{parameter.name}'", report)
    for piece in statement.pieces:
        for time in beside_clock(piece.value):
            _no_share(time, "what stands beside 'epoch' or 'step'", report)
    if not statement.body:
        return
    body = resolve_rule(_as_rule(statement), frozenset(), report, "k")
    if VALUE not in {s.name for s in body.states}:
        report.error(
            "E0404",
            head(statement),
            f"the schedule never says what {VALUE}[k+1] is",
            hints=(f"{VALUE}[k] is the schedule's value in epoch k",),
        )
    equations = [n for a in body.actions for n in walk(a) if isinstance(n, ast.Equation)]
    starts = [s.initial for s in body.states if s.initial is not None]
    known = [*(p.name for p in statement.parameters), *(s.name for s in body.states)]
    at_start = Kinds(Scope("the start of a schedule", dict.fromkeys(known, SCALAR)), report)
    for start in starts:
        at_start.number(start, "the start")
    known += ["loss", "k", *(e.name for e in equations), *(v for v, _ in body.bases)]
    own = frozenset(variable for variable, state in body.bases if variable != state)
    walker = Kinds(Scope("a schedule's recursion", dict.fromkeys(known, SCALAR), hidden=own), report)
    for equation in equations:
        walker.number(equation.value, "the value")

"""Attacks: their equations, and what they are called with. They change inputs, and see these and `grad_x R`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.check.parts.values import check_required
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.attacks import INPUTS, SLOPE, under_attack, without_slopes
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import OUTPUT, SCALAR, Scope, Type
from netc.compiler.meaning.resolve import Definitions, head, lookup
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec_data import DataSpec
from netc.compiler.meaning.spec_training import Attack, Optimizer, Training
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.walks import dotted, walk

MOST = 1000
"""Rounds of a loop."""
NO_INPUTS = "an attack changes the inputs of a network, and an objective has none"


def check_attack_definitions(definitions: Definitions, report: Report) -> None:
    """Those of the file and of the files it uses."""
    for definition in definitions.attacks.own.values():
        _check_body(definition, definitions, report)


def check_attack(call: ast.Expr, data: DataSpec, definitions: Definitions, report: Report) -> Attack | None:
    """`fgsm(0.1)`: the attack with its numbers. The data must say in which units these are."""
    match call:
        case ast.Call(function, arguments):
            name = dotted(function) or ""
        case _:
            name, function, arguments = dotted(call) or "", call, ()
    definition = lookup(definitions.attacks, name, function.span, "attack", report)
    if definition is None:
        return None
    before = report.errors
    values = bind(definition.parameters, arguments, call.span, f"'{name}'", report)
    if "scale" not in dict(data.spans):
        message = f"in which units are the numbers of '{name}'? An attack changes scaled inputs, and the data have no scale"
        hints = (
            "data ..., scale = minmax: in shares of the range of each input",
            "scale = none: in the data's own",
        )
        report.error("E0472", call.span, message, hints=hints)
    if report.errors > before or len(values) < len(definition.parameters):
        return None
    names = [p.name for p in definition.parameters]
    given = {a.name or names[i]: a for i, a in enumerate(arguments)}
    check_required(definition, tuple(given.values()), dict(values), call.span, report)
    for loop in (a for a in definition.body if isinstance(a, ast.For) and isinstance(a.values, ast.Range)):
        _check_range(loop, dict(values), call.span, report)
    return None if report.errors > before else Attack(definition, values)


def check_attacked(
    statement: ast.Monitor | None,
    training: Training,
    data: DataSpec,
    definitions: Definitions,
    report: Report,
) -> None:
    """`monitor accuracy(test, fgsm(0.1))`, `keep = best(accuracy(validation, fgsm(0.1)))`: the attacks."""
    figures = [(f.span, under_attack(f)) for f in (statement.figures if statement else ())]
    figures += [(j.attack.span, j.attack) for _, j in training.judged if j.attack]
    for span, attack in figures:
        if attack is None:
            continue
        if data.kind == "none":
            report.error("E0473", span, NO_INPUTS)
            continue
        check_attack(attack, data, definitions, report)


def attacks_in(
    training: Training, asked: Iterable[ast.Node], definitions: Definitions
) -> tuple[ast.Attack, ...]:
    """Definitions of the attacks of a training, and of those in the figures that are asked for."""
    figures = [node for root in asked for node in walk(root) if isinstance(node, ast.Call)]
    calls = [*(j.attack for _, j in training.judged), *map(under_attack, figures)]
    names = {dotted(call.function) or "" for call in calls if call}
    names |= {training.against.definition.name} if training.against else set()
    return tuple(definitions.attacks[name] for name in sorted(names) if name in definitions.attacks)


def check_against(
    statement: ast.Train | None,
    training: Training,
    optimizer: Optimizer | None,
    data: DataSpec,
    definitions: Definitions,
    report: Report,
) -> Training:
    """`train against = pgd(...)`: the batch of each iteration is attacked at the parameters that it begins with."""
    setting = next((s for s in statement.settings if s.name == "against"), None) if statement else None
    if setting is None:
        return training
    where = setting.value.span
    if data.kind == "none":
        report.error("E0473", where, NO_INPUTS)
        return training
    attack = check_attack(setting.value, data, definitions, report)
    if training.target == "cuda":
        message = (
            "samples are attacked between iterations, by the CPU: a training against an attack stays there"
        )
        report.error("E0473", where, message, hints=("leave out 'target = cuda'",))
    if optimizer and optimizer.visits_batches:
        message = (
            f"'{optimizer.definition.name}' visits batch after batch in an iteration, which one is attacked?"
        )
        report.error("E0473", where, message, hints=("use a rule that sees one batch an iteration",))
    if training.stop is not None or training.diverged is not None:
        message = "'stop' and 'diverged' test the loss of all samples, of which some are attacked by then"
        report.error("E0473", where, message, hints=("stop = no gain in loss(validation) for 20 epochs",))
    return replace(training, against=attack)


def _check_range(loop: ast.For, values: dict[str, float], span: Span, report: Report) -> None:
    assert isinstance(loop.values, ast.Range)
    count = number_or_none(loop.values.stop, values)
    if count is None or not 1 <= count <= MOST or count != int(count):
        shown = print_expr(loop.values.stop)
        what = f"'{shown}' is {count:g}" if count is not None else f"'{shown}' is no number"
        report.error("E0471", span, f"{what}: an attack has from 1 to {MOST} rounds")


def _check_body(definition: ast.Attack, definitions: Definitions, report: Report) -> None:
    names: dict[str, Type] = {**dict.fromkeys((*INPUTS, SLOPE), OUTPUT)}
    for p in definition.parameters:
        if p.name in names:
            report.error("E0471", p.span, f"'{p.name}' are inputs of the network in every attack")
        names.setdefault(p.name, SCALAR)
    before = report.errors
    written = _check_actions(definition.body, names, definitions, report)
    if "x" not in written and report.errors == before:
        message = "this attack changes nothing: it has no equation 'x = ...'"
        report.error("E0471", head(definition), message, hints=("x = x + eps*sign(grad_x R)",))


def _check_actions(
    actions: tuple[ast.Action, ...], names: dict[str, Type], definitions: Definitions, report: Report
) -> set[str]:
    """The names that are set; `names` grows by them."""
    written: set[str] = set()
    for action in actions:
        match action:
            case ast.Equation(name, (), value) if name not in ("x0", SLOPE):
                scope = Scope("an attack", dict(names), definitions.activations, hidden=frozenset({SLOPE}))
                found = Kinds(scope, report).of(without_slopes(value))
                names.setdefault(name, found or OUTPUT)
                written.add(name)
            case ast.For(name, ast.Range(ast.Number(1), ast.Number() | ast.Name()), body):
                written |= _check_actions(body, {**names, name: SCALAR}, definitions, report)
            case _:
                message = "an attack consists of equations 'x = ...' and loops 'for i in 1..rounds:'"
                report.error("E0471", action.span, message)
    return written

"""Numbers of layers that follow schedules: which arguments of an operation read one, and whether they can."""

from __future__ import annotations

from collections.abc import Sequence

from netc.compiler.check.network.place import Numbers
from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.lower.layer_schedules import first_values
from netc.compiler.meaning.bind_arguments import is_flag
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import SCALAR, Scope
from netc.compiler.meaning.layer_parameters import is_word
from netc.compiler.meaning.spec import Network, Spec, Use, uses_of
from netc.dsl import ast
from netc.dsl.walks import names_in, rebuild

Arguments = tuple[ast.Argument, ...]
Scheduled = tuple[tuple[str, ast.Expr], ...]


def scheduled_apart(
    definition: ast.Layer | ast.Block,
    given: Sequence[ast.Argument],
    names: frozenset[str],
    numbers: Numbers,
    report: Report,
) -> tuple[Arguments, Scheduled] | None:
    """The arguments that are numbers, and those that follow a schedule, in terms of schedules alone; None after an error."""
    reading = {a.name: a for a in given if a.name and (names_in(a.value) & names) - numbers.keys()}
    before = len(report.diagnostics)
    scheduled = {name: _with_numbers(a.value, numbers) for name, a in reading.items()}
    for name, argument in reading.items():
        if _can(definition, name, argument.value, report):
            known = Scope("a number of a layer", dict.fromkeys(names, SCALAR))
            Kinds(known, report).number(scheduled[name], f"'{name}'")
    if len(report.diagnostics) > before:
        return None
    return tuple(a for a in given if a.name not in scheduled), tuple(scheduled.items())


def _with_numbers(expr: ast.Expr, numbers: Numbers) -> ast.Expr:
    match expr:
        case ast.Name(id) if id in numbers:
            return ast.Number(numbers[id], span=expr.span)
    return rebuild(expr, lambda part: _with_numbers(part, numbers))


def _can(definition: ast.Layer | ast.Block, name: str, value: ast.Expr, report: Report) -> bool:
    if isinstance(definition, ast.Block):
        message = f"'{definition.name}' is a block, and a schedule is of a number of a layer"
        hint = "the layers inside of it can read the schedule by its name"
        report.error("E0264", value.span, message, hints=(hint,))
        return False
    for p in definition.parameters:
        if p.name == name and p.default is not None and not (is_flag(p) or is_word(p)):
            return True
    shape = name[:-2] if name[-2:-1] == "_" else name
    if name.endswith("_1") or shape == name:  # a shape is told once
        message = f"'{shape}' says how '{definition.name}' is built, and cannot follow a schedule"
        hint = "a number in the equations can, as the p of a dropout"
        report.error("E0264", value.span, message, hints=(hint,))
    return False


def reads_schedules(operation: ast.Operation, names: frozenset[str], report: Report) -> bool:
    """Whether an activation does, which is an error."""
    found = [a.value for a in operation.arguments if names_in(a.value) & names]
    for value in found:
        message = f"'{operation.name}' is an activation, and a schedule is of a number of a layer"
        hint = "a layer of the same equation can have one: layer soft(slope = 1): z[i] = ..."
        report.error("E0264", value.span, message, hints=(hint,))
    return bool(found)


def schedules_read(network: Network | None) -> frozenset[str]:
    """Names in the numbers of layers that follow schedules."""
    uses = uses_of(network.operations) if network else ()
    values = [value for use in uses if isinstance(use, Use) for _, value in use.scheduled]
    return frozenset(name for value in values for name in names_in(value))


def check_starts(spec: Spec, report: Report) -> None:
    """Before the first iteration a layer has its first number already, and how many batches there are is not known."""
    if first_values(spec, 1) == first_values(spec, 2):
        return
    for schedule in spec.layer_schedules:
        message = f"what '{schedule.name}' is at first hangs on the number of batches"
        report.error(
            "E0264", schedule.span, message, hints=("count in epochs, or give the steps of 'train'",)
        )

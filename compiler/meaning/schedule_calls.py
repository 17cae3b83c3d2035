"""Calls of closed schedules that take tuples or switches, replaced by the formula they stand for.

    torch.MultiStepLR(0.1, milestones = (30, 80))
    0.1*0.1^((1 if floor(epoch) >= 30 else 0) + (1 if floor(epoch) >= 80 else 0))

In a definition `sum(e)` and `prod(e)` go over the items of the tuples that e names, `count(t)` is their number,
`t[e]` is the item at e, and `joined(schedules, boundaries, clock)` is one schedule after the other, each counting
from its own start. All else is left to `lower/schedule.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Literal

from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.bind_arguments import decided
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.resolve_values import number, number_or_none
from netc.dsl import ast
from netc.dsl.walks import dotted, names_in, rebuild, walk

Values = Mapping[str, ast.Expr]
OVER: Mapping[str, Literal["+", "*"]] = {"sum": "+", "prod": "*"}


def expand(expr: ast.Expr, definitions: Definitions, report: Report, every: bool = False) -> ast.Expr:
    """The expression with such calls replaced, or `every` call; wrong arguments go to the report."""

    def read(part: ast.Expr) -> ast.Expr:
        return expand(part, definitions, report, every)

    match expr:
        case ast.Call(function, arguments) if (name := dotted(function)) and name in definitions.schedules:
            definition = definitions.schedules[name]
            if is_expanded(definition) or (every and definition.pieces):
                inner = [expand(a.value, definitions, report, every=True) for a in arguments]
                given = tuple(replace(a, value=v) for a, v in zip(arguments, inner, strict=True))
                return _formula(expr, definition, given, report)
    return rebuild(expr, read)


def requirements(definition: ast.Schedule, values: Values) -> tuple[ast.Setting, ...]:
    """What it requires of its arguments, about these ones."""
    found = (s for s in definition.settings if s.name == "require")
    return tuple(ast.Setting(s.name, _filled(s.value, {}, values), span=s.span) for s in found)


def is_expanded(definition: ast.Schedule) -> bool:
    """Does it have parameters that are tuples, or that decide which formula it is?"""
    names = {p.name for p in definition.parameters}
    return bool(_tuples(definition)) or any(
        isinstance(node, ast.Choose) and names_in(node.condition) <= names | {"none"}
        for piece in definition.pieces
        for node in walk(piece.value)
    )


def _tuples(definition: ast.Schedule) -> set[str]:
    """The parameters that are tuples."""
    parameters, found = {p.name for p in definition.parameters}, set[str]()
    for node in (n for piece in definition.pieces for n in walk(piece.value)):
        match node:
            case ast.Index(ast.Name(id), _):
                found.add(id)
            case ast.Call(ast.Name("sum" | "prod" | "count" | "joined"), arguments):
                found |= {n for a in arguments for n in names_in(a.value)}
    return found & parameters


def _formula(
    call: ast.Call, definition: ast.Schedule, given: tuple[ast.Argument, ...], report: Report
) -> ast.Expr:
    tuples, own = _tuples(definition), Report()

    def checked(value: ast.Expr) -> float:
        return 0.0 if isinstance(value, ast.Tuple) or _moves(value) else number(value)

    bind(definition.parameters, given, call.span, f"'{definition.name}'", own, checked, "of a schedule")
    names = [p.name for p in definition.parameters]
    values: dict[str, ast.Expr] = {p.name: p.default for p in definition.parameters if p.default is not None}
    for i, argument in enumerate(given if not own.errors else ()):
        name = argument.name or names[i]
        values[name] = argument.value
        if isinstance(argument.value, ast.Tuple) != (name in tuples):
            message = f"'{name}' must be a tuple" if name in tuples else f"'{name}' must be one number"
            own.error(
                "E0305", argument.value.span, message, hints=("for example: (30, 80)",) * (name in tuples)
            )
    if not own.errors:
        _check(call, definition, values, own)
    report.diagnostics += own.diagnostics
    if own.errors:
        return ast.Number(0.0, span=call.span)
    return decided(_filled(definition.pieces[0].value, {}, values), {})


def _moves(value: ast.Expr) -> bool:
    """Is it a schedule itself, as the parts of `joined` are?"""
    return bool(names_in(value) & {"step", "epoch", "steps", "epochs"})


def _check(call: ast.Call, definition: ast.Schedule, values: Values, report: Report) -> None:
    for setting in requirements(definition, values):
        if number_or_none(setting.value) == 0:
            said = next(s for s in definition.settings if s.name == "require")
            report.error("E0414", call.span, f"'{definition.name}' requires {said.value.span.text}")


# -- tuples ------------------------------------------------------------------------------------------


def _filled(expr: ast.Expr, items: Values, values: Values) -> ast.Expr:
    """The expression with arguments for parameters; `items` are the items in turn inside of a sum."""

    def read(part: ast.Expr) -> ast.Expr:
        return _filled(part, items, values)

    match expr:
        case ast.Name(id):
            return items.get(id) or values.get(id) or expr
        case ast.Index(ast.Name(id), index) if isinstance(
            found := items.get(id) or values.get(id), ast.Tuple
        ):
            return _item(found.items, read(index))
        case ast.Call(ast.Name("count"), (ast.Argument(None, ast.Name(id)),)):
            found = values.get(id)
            return ast.Number(float(len(found.items)) if isinstance(found, ast.Tuple) else 1.0)
        case ast.Call(ast.Name("sum" | "prod" as over), (ast.Argument(None, value),)):
            return _over(OVER[over], value, items, values)
        case ast.Call(ast.Name("joined"), (parts, boundaries, clock)):
            found, bounds = read(parts.value), read(boundaries.value)
            assert isinstance(found, ast.Tuple)
            assert isinstance(bounds, ast.Tuple)
            return _joined(found.items, bounds.items, clock.value)
        case ast.Call(function, arguments):
            new = tuple(ast.Argument(a.name, read(a.value), span=a.span) for a in arguments)
            return ast.Call(function, new, span=expr.span)
    return rebuild(expr, read)


def _over(op: Literal["+", "*"], value: ast.Expr, items: Values, values: Values) -> ast.Expr:
    tuples = {n: v.items for n in sorted(names_in(value)) if isinstance(v := values.get(n), ast.Tuple)}
    rows = zip(*tuples.values(), strict=False)
    terms = [_filled(value, {**items, **dict(zip(tuples, row, strict=True))}, values) for row in rows]
    neutral: ast.Expr = ast.Number(0.0 if op == "+" else 1.0)

    def join(left: ast.Expr, right: ast.Expr) -> ast.Expr:
        return ast.Binary(op, left, right)

    return reduce(join, terms) if terms else neutral


def _item(items: tuple[ast.Expr, ...], index: ast.Expr) -> ast.Expr:
    """The item at the index, from 1; beyond the ends, the first and the last one."""
    known = number_or_none(index)
    if known is not None:
        return items[min(max(round(known), 1), len(items)) - 1]
    chosen = items[-1]
    for i, item in reversed(list(enumerate(items[:-1], start=1))):
        chosen = ast.Choose(item, ast.Compare("<=", index, ast.Number(float(i))), chosen)
    return chosen


def _joined(parts: tuple[ast.Expr, ...], bounds: tuple[ast.Expr, ...], clock: ast.Expr) -> ast.Expr:
    starts = (None, *bounds)
    moved = [_moved(part, start) for part, start in zip(parts, starts, strict=False)]
    chosen = moved[-1]
    for part, bound in reversed(list(zip(moved[:-1], bounds, strict=False))):
        chosen = ast.Choose(part, ast.Compare("<", clock, bound), chosen)
    return chosen


def _moved(part: ast.Expr, start: ast.Expr | None) -> ast.Expr:
    """The schedule counting from `start`."""
    if start is None:
        return part
    if part in (ast.Name("step"), ast.Name("epoch")):
        return ast.Binary("-", part, start)
    return rebuild(part, lambda inner: _moved(inner, start))

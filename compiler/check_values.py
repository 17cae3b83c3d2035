"""The values of a rule's parameters: flags are true or false, and what the rule requires of them holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from netc.compiler.check_report import Report
from netc.compiler.resolve_tree import names_in
from netc.compiler.resolve_values import WORDS, number_or_none
from netc.compiler.specialise import is_flag
from netc.dsl import ast
from netc.dsl.printer import number, print_expr
from netc.dsl.source import Span


def check_values(
    rule: ast.Optimizer,
    arguments: tuple[ast.Argument, ...],
    values: Mapping[str, float],
    span: Span,
    report: Report,
) -> None:
    """`span` is where the rule is named."""
    given = {a.name: a for a in arguments}
    for parameter in rule.parameters:
        argument = given.get(parameter.name)
        if argument is not None:
            _form(parameter, argument, report)
    for setting in rule.settings:
        if setting.name != "require":
            continue
        for condition in _conjuncts(setting.value):
            holds = number_or_none(condition, values)
            named = [n for n in values if n in names_in(condition)]
            if holds == 0 and not any(math.isnan(values[n]) for n in named):
                _unfit(rule, condition, named, given, values, span, report)


def _form(parameter: ast.Parameter, argument: ast.Argument, report: Report) -> None:
    value, name = argument.value, parameter.name
    word = value.id if isinstance(value, ast.Name) else ""
    if is_flag(parameter):
        if word.lower() not in ("true", "false"):
            report.error("E0305", value.span, f"'{name}' is true or false")
    elif word in WORDS and not (word.lower() == "none" and _may_be_none(parameter)):
        report.error("E0305", value.span, f"'{name}' must be a number, not {word}")


def _may_be_none(parameter: ast.Parameter) -> bool:
    return parameter.default == ast.Name("none")


def _conjuncts(condition: ast.Expr) -> Iterator[ast.Expr]:
    match condition:
        case ast.Logic("and", left, right):
            yield from _conjuncts(left)
            yield from _conjuncts(right)
        case _:
            yield condition


def _unfit(
    rule: ast.Optimizer,
    condition: ast.Expr,
    named: list[str],
    given: Mapping[str | None, ast.Argument],
    values: Mapping[str, float],
    span: Span,
    report: Report,
) -> None:
    is_ = " and ".join(f"{n} is {_value(values[n], n, rule)}" for n in named)
    where = next((given[n].span for n in named if n in given), span)
    report.error("E0414", where, f"'{rule.name}' requires {print_expr(condition)}; {is_}")


def _value(value: float, name: str, rule: ast.Optimizer) -> str:
    flags = {p.name for p in rule.parameters if is_flag(p)}
    return ("true" if value else "false") if name in flags else number(value)

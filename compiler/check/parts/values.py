"""The values of a rule's parameters: flags are true or false, and what the rule requires of them holds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Set
from itertools import chain, repeat

from netc.compiler.meaning.bind_arguments import is_flag
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve_values import WORDS, number_or_none
from netc.dsl import ast
from netc.dsl.printer import number, print_expr
from netc.dsl.source import Span
from netc.dsl.walks import conjuncts, names_in

COMPONENT = re.compile(r"(?<=s)_(\d)$")
"""Of a tuple: `betas_2`; single parameters such as `beta_2` have no plural."""
OF_SHAPE = re.compile(r"_(\d)$")


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
    check_required(rule, arguments, values, span, report)


def require_numbers(
    rule: ast.Optimizer | ast.Schedule,
    read: Set[str],
    arguments: tuple[ast.Argument, ...],
    values: Mapping[str, float],
    span: Span,
    report: Report,
) -> None:
    """A parameter may be none where that alone decides; what is `read` by the equations that are left is a number."""
    given = {a.name or p: a for a, p in zip(arguments, _positions(rule), strict=False)}
    for name in (n for n, value in values.items() if math.isnan(value) and n in read):
        if name in given:
            report.error("E0305", given[name].value.span, f"'{name}' must be a number, not none")
        else:
            report.error("E0109", span, f"'{rule.name}' needs '{name}'", hints=(f"give it: {name} = ...",))


def check_required(
    rule: ast.Optimizer | ast.Schedule | ast.Layer | ast.Attack,
    arguments: tuple[ast.Argument, ...],
    values: Mapping[str, float],
    span: Span,
    report: Report,
) -> None:
    """Does what a rule or schedule requires hold? `span` is where it is named."""
    given = {a.name or p: a for a, p in zip(arguments, _positions(rule), strict=False)}
    for setting in rule.settings:
        if setting.name != "require":
            continue
        for condition in conjuncts(setting.value):
            holds = number_or_none(condition, values)
            named = [n for n in values if n in names_in(condition)]
            if holds == 0 and not any(math.isnan(values[n]) for n in named):
                _unfit(rule, condition, named, given, values, span, report)


def _positions(rule: ast.Optimizer | ast.Schedule | ast.Layer | ast.Attack) -> Iterator[str]:
    """The parameters' names, then as many empty ones as it takes."""
    return chain((p.name for p in rule.parameters), repeat(""))


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


def _unfit(
    rule: ast.Optimizer | ast.Schedule | ast.Layer | ast.Attack,
    condition: ast.Expr,
    named: list[str],
    given: Mapping[str, ast.Argument],
    values: Mapping[str, float],
    span: Span,
    report: Report,
) -> None:
    is_ = " and ".join(f"{n} is {_value(values[n], n, rule)}" for n in named)
    words = f"{print_expr(condition)}; {is_}"
    component = OF_SHAPE if isinstance(rule, ast.Layer) else COMPONENT
    for n in (n for n in named if component.search(n)):
        words = words.replace(n, component.sub(r"[\1]", n))  # as it is written: betas[2]
    where = next((given[n].span for n in named if n in given), span)
    report.error("E0414", where, f"'{rule.name}' requires {words}")


def _value(value: float, name: str, rule: ast.Optimizer | ast.Schedule | ast.Layer | ast.Attack) -> str:
    flags = {p.name for p in rule.parameters if is_flag(p)}
    return ("true" if value else "false") if name in flags else number(value)

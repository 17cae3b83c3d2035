"""0/0 at the first iteration: Adam's misprint, 1 - beta^n at n = 0, and schedules such as 0.1/epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.rule_body import Body
from netc.compiler.meaning.spec import Values
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.walks import children, walk


def check_first_iteration(body: Body, values: Values, report: Report) -> None:
    """Denominators of n and hyper-parameters are tried at n = 0."""
    known = {**dict(values), "n": 0.0, "epoch": 0.0}
    for equation in (e for a in body.actions for e in walk(a) if isinstance(e, ast.Equation)):
        check_denominators(equation.value, known, report)
        value = number_or_none(equation.value, known)
        if value is None:
            known.pop(equation.name, None)
        else:
            known[equation.name] = value


def check_denominators(expr: ast.Expr, known: Mapping[str, float], report: Report, clock: str = "n") -> None:
    """Only what is computed when the `clock` is 0 counts: the other side of a choice is left alone."""
    match expr:
        case ast.Choose(then, condition, otherwise) | ast.Call(
            ast.Name("where"),
            (ast.Argument(None, condition), ast.Argument(None, then), ast.Argument(None, otherwise)),
        ) if (holds := number_or_none(condition, known)) is not None:
            check_denominators(then if holds else otherwise, known, report, clock)
            return
        case ast.Binary("/", _, below) if number_or_none(below, known) == 0:
            _zero(below, report, clock)
            return
        case ast.Binary("^", below, power) if number_or_none(below, known) == 0:
            exponent = number_or_none(power, known)
            if exponent is not None and exponent < 0:
                _zero(below, report, clock)
                return
    for part in children(expr):
        match part:
            case ast.Argument(_, value):
                check_denominators(value, known, report, clock)
            case ast.Unary() | ast.Binary() | ast.Choose() | ast.Call() | ast.Absolute():
                check_denominators(part, known, report, clock)


def _zero(below: ast.Expr, report: Report, clock: str) -> None:
    report.error(
        "E0410",
        below.span,
        f"this is 0 at the first iteration, {clock} = 0",
        notes=(f"{clock} counts {'epochs' if clock == 'epoch' else 'iterations'} from 0",),
        hints=_repair(below, clock),
    )


def _repair(below: ast.Expr, clock: str) -> tuple[str, ...]:
    """With n+1 in place of n, if n is an exponent."""
    powers = [
        n for n in walk(below) if isinstance(n, ast.Binary) and n.op == "^" and n.right == ast.Name("n")
    ]
    if not powers:
        return (f"choose another value at the start: '... if {clock} > 0 else ...'",)
    following = ast.Binary("+", ast.Name("n"), ast.Number(1.0, "1"))
    meant = print_expr(replace(powers[0], right=following))
    return (f"likely meant: {meant}, for the number of gradients seen so far",)

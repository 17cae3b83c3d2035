"""The bounds of a rule's loops, where they are known before anything runs."""

from __future__ import annotations

from math import isnan

from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve_values import is_whole, number_or_nan
from netc.compiler.meaning.rule_body import COUNTED, loops
from netc.compiler.meaning.spec import Optimizer
from netc.dsl import ast


def bounds(loop: ast.For) -> tuple[ast.Expr, ast.Expr]:
    assert isinstance(loop.values, ast.Range), "E0402 says so of others"
    return loop.values.start, loop.values.stop


def check_bounds(optimizer: Optimizer, report: Report) -> None:
    """`for i in 1..2.5`. What only a run knows (1..n/2) counts the whole numbers between."""
    known = dict(optimizer.arguments)
    for loop in loops(optimizer.body.actions):
        for which, bound in zip(("first", "last"), bounds(loop), strict=True):
            value = number_or_nan(bound, known)
            if value is not None and not (is_whole(value) and abs(value) < COUNTED):
                message = f"the {which} value of a loop is a whole number, and this is {_shown(value)}"
                report.error("E0305", bound.span, message)


def _shown(value: float) -> str:
    return "none" if isnan(value) else f"{value:g}"

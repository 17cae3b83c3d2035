"""Shares compared with what is none: `accuracy(test) > 95` is never true, `= 95% within 1` always."""

from __future__ import annotations

from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve_values import number_or_none
from netc.dsl import ast

SHARES = ("accuracy", "share", "ece", "ece_levels", "smooth_ece", "zeros")
"""Functions and names that are a share."""
OVER = ("median", "mean", "min", "max", "quartile", "best", "all")
"""What of a share is one, or a condition on one."""


def check_shares(condition: ast.Expr, within: ast.Expr | None, report: Report) -> None:
    """Of an `expect`, or a condition of `stop`."""
    match condition:
        case ast.Compare(_, left, right):
            of_runs = isinstance(right, ast.Of) or left == ast.Name("diverged")
            bound = right.value if isinstance(right, ast.Of) else right
            if of_runs or is_share(left) or is_r2(left):
                _bound(left, bound, within, report)
            elif is_share(right) or is_r2(right):
                _bound(right, left, None, report)
        case ast.Call(ast.Name("all" | "share"), (ast.Argument(None, inner),)):
            check_shares(inner, None, report)
        case ast.Logic(_, left, right):
            check_shares(left, None, report)
            check_shares(right, None, report)


def is_share(figure: ast.Expr) -> bool:
    return _called(figure) in SHARES


def is_r2(figure: ast.Expr) -> bool:
    """A number from minus infinity to 1."""
    return _called(figure) == "r2"


def _called(figure: ast.Expr) -> str:
    """The function that the figure is of, or its name; of a median, a mean and the like what these are of."""
    match figure:
        case ast.Call(ast.Name(name)) if name in SHARES:
            return name
        case ast.Call(ast.Name(name), (ast.Argument(None, inner), *_)) if name in OVER:
            return _called(inner)
        case ast.Over(inner):
            return _called(inner)
        case ast.Name(name) if name in ("accuracy", "r2"):
            return name
        case ast.Call(ast.Name("r2")):
            return "r2"
    return ""


def _bound(figure: ast.Expr, bound: ast.Expr, within: ast.Expr | None, report: Report) -> None:
    what, value = figure.span.text, number_or_none(bound)
    if is_r2(figure):
        if value is not None and value > 1:
            message = f"'{what}' is at most 1, and {bound.span.text} is more"
            report.error("E0664", bound.span, message, hints=_in_per_cent(value, bound))
        return
    if value is not None and not 0 <= value <= 1:
        message = f"'{what}' is a share, from 0 to 1, and {bound.span.text} is none"
        report.error("E0664", bound.span, message, hints=_in_per_cent(value, bound))
    near = number_or_none(within) if within is not None else None
    if within is not None and near is not None and near >= 1:
        message = f"'{what}' is a share, from 0 to 1, and within {within.span.text} of any other"
        report.error("E0664", within.span, message, hints=_in_per_cent(near, within, "within "))


def _in_per_cent(value: float, written: ast.Expr, before: str = "") -> tuple[str, ...]:
    likely = 1 <= value <= 100 and not isinstance(written, ast.Percent)
    return (f"in per cent: {before}{value:g}%",) if likely else ()

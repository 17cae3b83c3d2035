"""`stop = accuracy(validation) > 90%`: a run ends where a figure of a part of the data has got so far.

Kernels test conditions on theta and the training loss (`train.py`); these are looked at by reports, epoch by epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from netc.compiler.check.parts.shares import check_shares
from netc.compiler.check.training.keep import FIGURES, judged_of
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.compiler.meaning.spec import PARTS
from netc.compiler.meaning.spec_training import Comparison, Goal
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.walks import walk
from netc.dsl.words.foreign_figures import figure_meant

STRAIGHT: Mapping[str, Comparison] = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
TURNED: Mapping[str, Comparison] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
EXAMPLE = "stop = R < 1e-3 or accuracy(validation) > 90%"


def check_goals(
    criterion: ast.Expr | None, losses: frozenset[str], report: Report
) -> tuple[ast.Expr | None, tuple[Goal, ...]]:
    """What of the criterion is left for the kernels, and the figures that end a run beside it."""
    if criterion is None:
        return None, ()
    left: ast.Expr | None = None
    found: list[Goal] = []
    for condition in _alternatives(criterion):
        nodes = list(walk(condition))
        foreign = any(isinstance(n, ast.Member | ast.Index) and figure_meant(n, "stop") for n in nodes)
        if foreign or not any(_is_figure(node, losses) for node in nodes):
            left = condition if left is None else ast.Logic("or", left, condition, span=criterion.span)
        elif goal := _goal(condition, losses, report):
            found.append(goal)
    return left, tuple(found)


def _alternatives(criterion: ast.Expr) -> list[ast.Expr]:
    match criterion:
        case ast.Logic("or", left, right):
            return [*_alternatives(left), *_alternatives(right)]
    return [criterion]


def foreign_figure(condition: ast.Expr, known: Collection[str]) -> tuple[ast.Expr, str] | None:
    """A figure as other tools call it, and what it is here; names that are `known` are none."""
    for node in walk(condition):
        name = node.function if isinstance(node, ast.Call) else node
        base = name.base if isinstance(name, ast.Index | ast.Member) else name
        if isinstance(base, ast.Name) and base.id in known and not isinstance(node, ast.Member | ast.Index):
            continue
        if isinstance(node, ast.Expr) and (says := figure_meant(node, "stop")):
            return node, says
    return None


def _is_figure(node: ast.Node, losses: frozenset[str]) -> bool:
    match node:
        case ast.Name("accuracy" | "r2"):
            return True
        case ast.Call(ast.Name(name), (ast.Argument(None, ast.Name(part)), *_)):
            certain = name in ("accuracy", "r2") or (name == "loss" and part != "theta")
            return certain or (name in {*FIGURES, *losses} and part in PARTS)
    return False


def _goal(condition: ast.Expr, losses: frozenset[str], report: Report) -> Goal | None:
    match condition:
        case ast.Compare(sign, figure, bound) if sign in STRAIGHT and _is_figure(figure, losses):
            op = STRAIGHT[sign]
        case ast.Compare(sign, bound, figure) if sign in TURNED and _is_figure(figure, losses):
            op = TURNED[sign]
        case _:
            text = condition.span.text or print_expr(condition)
            message = (
                f"'{text}': a figure of a part of the data is compared with a number, alone or beside 'or'"
            )
            report.error("E0638", condition.span, message, hints=(EXAMPLE,))
            return None
    check_shares(condition, None, report)
    judged = judged_of(figure, losses, report)
    try:
        goal = number(bound)
    except NotANumber as error:
        message = f"with which number is {print_expr(figure)} compared? {error.reason}"
        report.error("E0638", bound.span, message, hints=(EXAMPLE,))
        return None
    return Goal(judged, op, goal) if judged else None

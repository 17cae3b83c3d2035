"""Explicit starts of theta: one point, a list of points, or a grid; and how many runs they make."""

from __future__ import annotations

from dataclasses import replace

from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.resolve_values import NotANumber, is_whole, number, number_or_none
from netc.compiler.meaning.spec import Init, Law, Training
from netc.dsl import ast

MOST_RUNS = 10_000_000
"""So that a slip of the finger does not fill the memory."""


def check_start(law: Law, size: int, report: Report) -> None:
    """An explicit start has one number per parameter, a grid one range."""
    if law.drawn:
        return
    points: tuple[ast.Expr, ...] = (law.law,)
    if isinstance(law.law, ast.Set):
        points = law.law.items
    for point in points:
        match point:
            case ast.Tuple(items):
                if len(items) != size:
                    report.error(
                        "E0514", point.span, f"theta has {size} components here, {len(items)} are given"
                    )
                for item in items:
                    _number(item, report)
            case ast.Call(ast.Name("grid"), arguments):
                _grid(point, arguments, size, report)
            case _:
                _number(point, report)


def _grid(call: ast.Expr, arguments: tuple[ast.Argument, ...], size: int, report: Report) -> None:
    ranges = [a for a in arguments if a.name is None]
    names = [a.name for a in arguments if a.name is not None]
    if names != ["points"] or not all(isinstance(a.value, ast.Range) for a in ranges):
        report.error(
            "E0514",
            call.span,
            "a grid takes one range per parameter and the number of points",
            hints=("as in grid(-3..3, -3..3, points = 200)",),
        )
    elif len(ranges) != size:
        report.error(
            "E0514",
            call.span,
            f"theta has {size} components here, the grid has {counted(len(ranges), 'range')}",
        )
    else:
        for r in (a.value for a in ranges if isinstance(a.value, ast.Range)):
            _number(r.start, report)
            _number(r.stop, report)
        points = number_or_none(arguments[-1].value)
        whole = points is not None and is_whole(points) and 1 <= points <= MOST_RUNS
        if points is None or not whole or int(points) ** len(ranges) > MOST_RUNS:
            message = f"the number of points on each axis is a whole number, all together at most {MOST_RUNS}"
            report.error("E0514", arguments[-1].span, message)


def _number(expr: ast.Expr, report: Report) -> None:
    try:
        number(expr)
    except NotANumber as error:
        message = f"a start is made of numbers, theta = 0, or drawn, theta ~ normal(0, 1): {error.reason}"
        report.error("E0305", error.span, message)


def check_runs(init: Init, training: Training, statement: ast.Train | None, report: Report) -> Training:
    """A grid or a list of starts says how many runs there are."""
    table = [
        law.law
        for law in init.laws
        if law.target == "theta" and isinstance(law.law, ast.Set | ast.Call) and not law.drawn
    ]
    if not table or report.errors:
        return training
    starts = count_starts(table[-1])
    given = [s for s in statement.settings if s.name == "runs"] if statement else []
    if given and training.runs != starts:
        report.error(
            "E0515",
            given[0].span,
            f"runs = {training.runs}, but init gives {starts} starts",
            related=((table[-1].span, "one run each"),),
            hints=("remove 'runs'",),
        )
    return replace(training, runs=starts)


def count_starts(table: ast.Expr) -> int:
    """Rows of a list of starts or of a grid."""
    match table:
        case ast.Set(items):
            return len(items)
        case ast.Call(_, (*ranges, points)):
            count: int = int(number(points.value)) ** len(ranges)
            return count
    return 1

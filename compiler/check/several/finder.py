"""`finder`: the file as a short training whose rate grows by a constant factor. Trains nothing (`runtime/finder.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netc.compiler.check.parts.settings import Unfit, whole
from netc.compiler.check.training.expect import check_expectations
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.compiler.meaning.spec import Finder, Spec
from netc.dsl import ast

LEAST = 10
"""Steps."""
OTHER = ("epochs", "steps", "stop", "keep", "diverged")
"""Settings of `train` that say how long it lasts and what is kept of it."""


def check_finder(program: ast.Program, at: Callable[[ast.Program], Spec]) -> Spec:
    """The spec of the training that finds; `at` checks a program. Raises SpecError."""
    report = Report()
    statement = next(s for s in program.statements if isinstance(s, ast.Finder))
    for other in program.statements:
        if isinstance(other, ast.Sweep | ast.Phase | ast.Ensemble) or (
            isinstance(other, ast.Finder) and other is not statement
        ):
            message = "a finder stands alone: it has no sweep, no phases, and there is one of it"
            report.error("E0454", head(other), message, related=((head(statement), "the finder"),))
    finder = _read(statement, report)
    report.finish()
    spec = at(with_schedule(program, finder))
    expectations = check_expectations(program, report)
    report.finish()
    return replace(spec, program=program, expectations=expectations, finder=finder)


def with_schedule(program: ast.Program, finder: Finder) -> ast.Program:
    """The file as the training that finds."""
    growth = ast.Binary("/", ast.Name("step"), ast.Number(float(finder.steps - 1)))
    factor = ast.Binary("^", ast.Number(finder.high / finder.low), growth)
    value = ast.Binary("*", ast.Number(finder.low), factor)
    unit = ast.Setting("unit", ast.Name("step"))
    schedule = ast.Schedule(
        finder.parameter, False, (), (ast.Piece(value, None),), (), (unit,), span=finder.span
    )
    steps = ast.Setting("steps", ast.Number(float(finder.steps)))
    kept: list[ast.Statement] = []
    for s in program.statements:
        if isinstance(s, ast.Train):
            s = replace(s, settings=(*(x for x in s.settings if x.name not in OTHER), steps))
        scheduled = isinstance(s, ast.Schedule) and not s.defines and s.name == finder.parameter
        if not scheduled and not isinstance(s, ast.Finder | ast.Expect | ast.Monitor):
            kept.append(s)
    if not any(isinstance(s, ast.Train) for s in kept):
        kept.append(ast.Train((steps,), span=finder.span))
    return replace(program, statements=(*kept, schedule))


def _read(statement: ast.Finder, report: Report) -> Finder:
    span = head(statement)
    try:
        low, high, steps = number(statement.low), number(statement.high), whole(LEAST)(statement.steps)
    except NotANumber as error:
        report.error("E0454", error.span, f"the ends of a finder are numbers: {error.reason}")
    except Unfit as error:
        report.error("E0454", statement.steps.span, f"the steps of a finder: {error.wanted}")
    else:
        if 0 < low < high < float("inf"):
            return Finder(statement.name, low, high, steps, span)
        report.error("E0454", span, "a finder goes from a rate above 0 to a larger one")
    return Finder(statement.name, 1.0, 2.0, LEAST, span)

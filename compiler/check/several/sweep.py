"""`sweep`: its statement (axes: `sweep_axes.py`), its first point, and how it is told.

A point of a sweep is a file like any other, in which the values stand in their places (`sweep_point.py`); that each is
right there, `sweep_values.py` checks. Draws no numbers and trains nothing (`runtime/sweep.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Literal

from netc.compiler.check.parts.settings import Settings, Unfit, whole, word
from netc.compiler.check.several.sweep_axes import axis_of
from netc.compiler.check.several.sweep_point import Values, at_point
from netc.compiler.check.training.keep import sorting_of
from netc.compiler.check.training.overrides import Overrides
from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.spec import Sweep
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.words.vocabulary import search_meant

SETTINGS = ("trials", "seed", "figure", "by", "at_once")
MOST = 100_000
"""Points of a sweep."""


# -- the statement -----------------------------------------------------------------------------------


def read_sweep(program: ast.Program, overrides: Overrides, report: Report) -> Sweep | None:
    """The sweep of a file; None where there is none, or where it is wrong."""
    found = [s for s in program.statements if isinstance(s, ast.Sweep)]
    if not found:
        return None
    statement = found[0]
    for other in found[1:]:
        message = "a file has one sweep: several axes stand in it, apart by commas"
        report.error("E0505", head(other), message, related=((head(statement), "first here"),))
    misplaced = _axes_as_settings(statement, report)
    settings = Settings(tuple(s for s in statement.settings if s not in misplaced), "sweep", SETTINGS, report)
    trials, seed = settings.get("trials", whole(1), 0), settings.get("seed", whole(0), 0)
    by: Literal["", "tpe", "halving"] = settings.get("by", _by, "")
    stated = settings.given.get("figure")
    losses = frozenset({"R", *(s.name for s in program.statements if isinstance(s, ast.Objective))})
    figure = sorting_of(stated.value, losses, program, report) if stated else None
    axes = [axis for item in statement.axes if (axis := axis_of(item, program, trials, overrides, report))]
    names = [axis.name for axis in axes]
    if twice := next((n for n in names if names.count(n) > 1), None):
        report.error("E0441", statement.span, f"'{twice}' is swept twice")
    if not statement.axes and not misplaced:
        report.error("E0441", statement.span, "the sweep has no axis: sweep eta in {0.1, 0.01}")
    at_once = settings.get("at_once", whole(1), 1)
    sweep = Sweep(tuple(axes), trials, seed, figure, by, at_once, statement.span)
    if "at_once" in settings and by != "tpe":
        message = "'at_once' says how many points are chosen together, and only 'by = tpe' chooses points"
        hint = (
            "points of other sweeps know nothing of each other: netc run FILE --on dask trains them at once"
        )
        report.error("E0639", settings.span("at_once"), message, hints=(hint,))
    if by:
        _require_choosable(sweep, program, settings.span("by"), report)
    _require_few(sweep, report)
    return None if report.errors else sweep


def _axes_as_settings(statement: ast.Sweep, report: Report) -> list[ast.Setting]:
    """`eta = {0.1, 0.01}`"""
    found = []
    for setting in statement.settings:
        if setting.name not in SETTINGS and isinstance(setting.value, ast.Set | ast.Tuple):
            values = ", ".join(v.span.text for v in setting.value.items)
            message = f"the values of an axis stand behind 'in': {setting.name} in {{{values}}}"
            report.error("E0441", setting.span, message)
            found.append(setting)
    return found


def _require_few(sweep: Sweep, report: Report) -> None:
    if (points := count(sweep)) <= MOST:
        return
    if sweep.trials:
        message, hint = f"trials = {sweep.trials}: a sweep has at most {MOST} points", "fewer trials"
    else:
        sizes = " x ".join(str(len(axis.values)) for axis in sweep.axes)
        message = f"the grid has {sizes} = {points} points, a sweep has at most {MOST}"
        hint = "draw some of them: trials = 50"
    report.error("E0442", sweep.span, message, hints=(hint,))


def _require_choosable(sweep: Sweep, program: ast.Program, span: Span, report: Report) -> None:
    """Of `by`: it chooses some of the points, by figures that can be compared."""
    if sweep.by == "tpe" and not sweep.trials:
        message = "how many points? 'by = tpe' chooses one after the other, and the sweep has no 'trials'"
        report.error("E0475", span, message, hints=("add trials = 50",))
    for axis in sweep.axes:
        if sweep.by == "halving" and axis.name in ("epochs", "steps"):
            message = f"'by = halving' gives the better points more {axis.name}, so they are no axis"
            report.error("E0475", axis.span, message)
        if axis.name in ("seed", "fold"):
            message = f"'by = {sweep.by}' would look for the best {axis.name}"
            hint = "runs = 5 in 'train' makes several runs of each point, whose median counts"
            report.error("E0475", axis.span, message, hints=(hint,))
    phases = [s for s in program.statements if isinstance(s, ast.Phase)]
    if sweep.by == "halving" and phases:
        message = "'by = halving' stops points within a training, and this one has phases"
        report.error("E0475", span, message, related=((head(phases[0]), "the first phase"),))
    if sweep.by == "halving" and count(sweep) < 2:
        report.error("E0475", span, "'by = halving' compares points, and there is one")


def count(sweep: Sweep) -> int:
    return sweep.trials or prod(len(axis.values) for axis in sweep.axes)


def _by(value: ast.Expr) -> Literal["tpe", "halving"]:
    """How points are chosen. A grid and a random search need no word."""
    if says := search_meant(value.span.text):
        raise Unfit(says, value.span)
    read: Callable[[ast.Expr], Literal["tpe", "halving"]] = word("tpe", "halving")
    return read(value)


# -- a point -----------------------------------------------------------------------------------------


def first_values(sweep: Sweep) -> Values:
    return tuple(axis.values[0] for axis in sweep.axes)


def first_point(program: ast.Program) -> ast.Program:
    """The file at its sweep's first point; as it is where there is no sweep, or a wrong one."""
    sweep = read_sweep(program, {}, Report())
    return at_point(program, sweep, first_values(sweep))[0] if sweep else program


def described(values: Values, sweep: Sweep) -> dict[str, str]:
    """Axis and value, as they are printed."""
    return {axis.name: print_expr(value) for axis, value in zip(sweep.axes, values, strict=True)}


def told(sweep: Sweep) -> str:
    """`3 x 2 = 6 points`"""
    if sweep.trials or len(sweep.axes) == 1:
        return counted(count(sweep), "point")
    return f"{' x '.join(str(len(axis.values)) for axis in sweep.axes)} = {count(sweep)} points"

"""`sweep`: its axes, what of the file each one changes, and the check of every value that is written out.

A point of a sweep is a file like any other, in which the values stand in their places (`sweep_point.py`). Draws no
numbers and trains nothing (`runtime/sweep.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Literal

from netc.compiler.check.ensemble import check_fold_ensemble
from netc.compiler.check.expect import check_expectations
from netc.compiler.check.keep import sorting_of
from netc.compiler.check.overrides import Overrides
from netc.compiler.check.settings import Settings, Unfit, whole, word
from netc.compiler.check.sweep_point import USES, Changed, Values, at_point, data_of, with_name
from netc.compiler.check.train import SETTINGS as TRAIN
from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.compiler.meaning.spec import Axis, Spec, Sweep
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.vocabulary import axis_meant, joined, meant, search_meant

FIXED = ("runs", "threads", "target", "slow")
"""Settings of train that are the same for all points."""
SETTINGS = ("trials", "seed", "figure", "by", "at_once")
LAWS: tuple[Literal["uniform", "log_uniform"], ...] = ("uniform", "log_uniform")
MOST = 100_000
"""Points of a sweep."""
CHECKED = 100
"""Values of an axis that are checked before anything runs; those of a longer one are checked as their turn comes."""


def check_sweep(
    program: ast.Program, overrides: Overrides, at: Callable[[ast.Program, Changed, bool], Spec]
) -> Spec:
    """The spec of the first point, with the sweep; every value is checked in its place, the other axes at their first.

    `at` checks a point: its program, its overrides, and whether it has the data of the first. Raises SpecError.
    """
    report = Report()
    sweep = read_sweep(program, overrides, report)
    report.finish()
    assert sweep is not None
    sweep = replace(sweep, axes=tuple(_placed(axis, program, sweep, at, report) for axis in sweep.axes))
    report.finish()
    first = first_values(sweep)
    spec = _checked(program, sweep, first, at, report)
    for place, axis in enumerate(sweep.axes if spec else ()):
        for value in axis.values[1:CHECKED]:
            _checked(program, sweep, (*first[:place], value, *first[place + 1 :]), at, report)
    expectations = check_expectations([s for s in program.statements if isinstance(s, ast.Expect)], report)
    report.finish()
    assert spec is not None
    ensemble = check_fold_ensemble(program, sweep, report) or spec.ensemble
    report.finish()
    return replace(spec, program=program, sweep=sweep, expectations=expectations, ensemble=ensemble)


def _placed(
    axis: Axis,
    program: ast.Program,
    sweep: Sweep,
    at: Callable[[ast.Program, Changed, bool], Spec],
    report: Report,
) -> Axis:
    """A name that is a parameter of the rule is that, also where a schedule or a criterion reads it."""
    if axis.kind != "name":
        return axis
    parameter = replace(axis, kind="parameter")
    other = replace(sweep, axes=tuple(parameter if a is axis else a for a in sweep.axes))
    point = at_point(program, other, first_values(sweep))
    return parameter if is_of_rule(axis.name, axis.span, program, point, at, report) else axis


def is_of_rule(
    name: str,
    span: Span,
    program: ast.Program,
    point: tuple[ast.Program, Changed],
    at: Callable[[ast.Program, Changed, bool], Spec],
    report: Report,
) -> bool:
    """Whether a name that stands in the file is a parameter of the rule, as `point` takes it; then it can be no other."""
    try:
        at(*point, False)
    except SpecError as error:
        if any(d.code == "E0512" and f"'{name}'" in d.message for d in error.diagnostics):
            return False
    probe = ast.Number(0.0)
    places = [s for s in program.statements if with_name(s, name, probe) is not s]
    if others := [s for s in places if not isinstance(s, ast.Train | ast.Phase | ast.Schedule)]:
        message = f"which '{name}' is set? It is a parameter of the rule, and a name that stands here as well"
        related = ((head(others[0]), "here"),)
        report.error("E0443", span, message, related=related, hints=("give one of the two another name",))
    return True


def _checked(
    program: ast.Program,
    sweep: Sweep,
    values: Values,
    at: Callable[[ast.Program, Changed, bool], Spec],
    report: Report,
) -> Spec | None:
    point, changed = at_point(program, sweep, values)
    same = data_of(point) == data_of(at_point(program, sweep, first_values(sweep))[0])
    try:
        return at(point, changed, same)
    except SpecError as error:
        found = (_named(d, sweep, values) for d in error.diagnostics if d.severity == "error")
        report.diagnostics.extend(d for d in found if d not in report.diagnostics)
    return None


def _named(found: Diagnostic, sweep: Sweep, values: Values) -> Diagnostic:
    """A parameter that no rule has is a name that is nowhere; what a rule refuses is the value."""
    axes = [axis for axis in sweep.axes if axis.kind == "parameter" and f"'{axis.name}'" in found.message]
    refused = [v.span for a, v in zip(sweep.axes, values, strict=True) if f"; {a.name} is " in found.message]
    if found.code == "E0414" and refused:
        return replace(found, span=refused[0])
    if found.code != "E0512" or not axes:
        return found
    name, span = axes[0].name, axes[0].span
    says = axis_meant(name) or found.message.partition(": ")[2] or meant(name, "setting")
    message = (
        f"the sweep's '{name}' is nowhere in the file: no parameter of the rule, no setting of train, no name"
    )
    message = joined(message if not says else f"the sweep's '{name}' is nowhere in the file", says)
    hint = "a size of the network is swept by its name: network [13(tanh)width(lin)1], sweep width in {2, 4}"
    hints = found.hints if "did you mean" in "".join(found.hints) else (hint,)
    return replace(found, code="E0440", message=message, span=span, hints=hints)


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
    axes_set = [
        s for s in statement.settings if s.name not in SETTINGS and isinstance(s.value, ast.Set | ast.Tuple)
    ]
    for setting in axes_set:
        values = ", ".join(v.span.text for v in setting.value.items)  # type: ignore[union-attr]
        message = f"the values of an axis stand behind 'in': {setting.name} in {{{values}}}"
        report.error("E0441", setting.span, message)
    left = tuple(s for s in statement.settings if s not in axes_set)
    settings = Settings(left, "sweep", SETTINGS, report)
    trials, seed = settings.get("trials", whole(1), 0), settings.get("seed", whole(0), 0)
    by: Literal["", "tpe", "halving"] = settings.get("by", _by, "")
    stated = settings.given.get("figure")
    losses = frozenset({"R", *(s.name for s in program.statements if isinstance(s, ast.Objective))})
    figure = sorting_of(stated.value, losses, program, report) if stated else None
    axes = [axis for item in statement.axes if (axis := _axis(item, program, trials, overrides, report))]
    names = [axis.name for axis in axes]
    if twice := next((n for n in names if names.count(n) > 1), None):
        report.error("E0441", statement.span, f"'{twice}' is swept twice")
    if not statement.axes and not axes_set:
        message = "the sweep has no axis: sweep eta in {0.1, 0.01}"
        report.error("E0441", statement.span, message)
    at_once = settings.get("at_once", whole(1), 1)
    sweep = Sweep(tuple(axes), trials, seed, figure, by, at_once, statement.span)
    if "at_once" in settings and by != "tpe":
        message = "'at_once' says how many points are chosen together, and only 'by = tpe' chooses points"
        hints = (
            "points of other sweeps know nothing of each other: netc run FILE --on dask trains them at once",
        )
        report.error("E0639", settings.span("at_once"), message, hints=hints)
    if by:
        _require_choosable(sweep, program, settings.span("by"), report)
    if (points := count(sweep)) > MOST:
        if trials:
            message, hint = f"trials = {trials}: a sweep has at most {MOST} points", "fewer trials"
        else:
            sizes = " x ".join(str(len(axis.values)) for axis in axes)
            message = f"the grid has {sizes} = {points} points, a sweep has at most {MOST}"
            hint = "draw some of them: trials = 50"
        report.error("E0442", statement.span, message, hints=(hint,))
    return None if report.errors else sweep


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


def _axis(
    item: ast.Expr, program: ast.Program, trials: int, overrides: Overrides, report: Report
) -> Axis | None:
    match item:
        case ast.Among(ast.Name(name), ast.Set(values)):
            if not values:
                report.error("E0441", item.span, f"the set of '{name}' is empty", hints=("{0.1, 0.01}",))
                return None
            axis = Axis(name, kind_of(name, program), values, span=item.name.span)
        case ast.Drawn(ast.Name(name), law):
            found = _law(item, name, law, program, report)
            if found is None:
                return None
            axis = found
            if not trials:
                message = f"how many points? '{name}' is drawn, and the sweep has no 'trials'"
                report.error("E0442", item.span, message, hints=("add trials = 50",))
        case _:
            says = _written(item)
            message = joined(f"'{item.span.text}' is no axis of a sweep", says)
            hints = ("eta in {0.1, 0.01}", "eta ~ log_uniform(1e-3, 1e-1), trials = 50")
            report.error("E0441", item.span, message, hints=hints)
            return None
    _require_free(item, axis, program, overrides, report)
    return axis


def _require_free(
    item: ast.Expr, axis: Axis, program: ast.Program, overrides: Overrides, report: Report
) -> None:
    """Nothing else gives a value to what is swept."""
    schedules = [s for s in program.statements if isinstance(s, ast.Schedule) and not s.defines]
    scheduled = [s for s in schedules if s.name == axis.name]
    if axis.kind in ("parameter", "name") and scheduled:
        message = f"'{axis.name}' follows a schedule, so no single value can be given to it"
        hint = f"sweep a number of the schedule by a name: schedule {axis.name} = start/(1 + epoch), sweep start in ..."
        related = ((head(scheduled[0]), "the schedule"),)
        report.error("E0443", item.span, message, related=related, hints=(hint,))
    own = (ast.Activation, ast.Block, ast.Clip, ast.Search, ast.Attack)
    if defined := next((s for s in program.statements if isinstance(s, own) and s.name == axis.name), None):
        message = (
            f"'{axis.name}' is defined in this file, so it is no name that values can be put in the place of"
        )
        related = ((head(defined), "the definition"),)
        report.error(
            "E0441", item.span, message, related=related, hints=("sweep a name that nothing else has",)
        )
    if axis.name in overrides:
        message = f"'{axis.name}' is swept, and set from outside as well"
        report.error("E0443", item.span, message, hints=("leave one of the two out",))
    if axis.kind == "setting" and axis.name in FIXED:
        message = f"'{axis.name}' is the same for all points of a sweep"
        report.error("E0441", item.span, message, hints=("seeds can be swept: seed in {1, 2, 3}",))


def _by(value: ast.Expr) -> Literal["tpe", "halving"]:
    """How points are chosen. A grid and a random search need no word."""
    if says := search_meant(value.span.text):
        raise Unfit(says, value.span)
    read: Callable[[ast.Expr], Literal["tpe", "halving"]] = word("tpe", "halving")
    return read(value)


def _written(item: ast.Expr) -> str:
    """`eta in (0.1, 0.2)`, `eta in linspace(1e-3, 1e-1, 5)`"""
    match item:
        case ast.Among(ast.Name(name), ast.Tuple(values)):
            return f"values stand in braces, {name} in {{{', '.join(v.span.text for v in values)}}}"
        case ast.Among(ast.Name(name), ast.Call() | ast.Range()):
            return f"values are listed, {name} in {{0.1, 0.01}}, or drawn, {name} ~ log_uniform(1e-3, 1e-1), trials = 50"
    return ""


def _law(item: ast.Drawn, name: str, law: ast.Expr, program: ast.Program, report: Report) -> Axis | None:
    """`log_uniform(1e-3, 1e-1)`; the first value stands for all in the check."""
    word = law.function.id if isinstance(law, ast.Call) and isinstance(law.function, ast.Name) else ""
    numbers: list[float] = []
    if isinstance(law, ast.Call):
        try:
            numbers = [number(a.value) for a in law.arguments]
        except NotANumber as error:
            report.error("E0441", error.span, f"a law is made of numbers: {error.reason}")
            return None
    known = next((w for w in LAWS if w == word), None)
    if known is None or len(numbers) != 2:
        hints = did_you_mean(word, LAWS) or tuple(f"{name} ~ {w}(1e-3, 1e-1)" for w in LAWS)
        message = f"'{law.span.text}' is no law that a sweep can draw from: {hints[0]}"
        report.error("E0441", law.span, message, hints=hints)
        return None
    low, high = numbers
    if not low < high or (known == "log_uniform" and low <= 0):
        wanted = "0 < low < high" if known == "log_uniform" else "low < high"
        report.error("E0441", law.span, f"{known}(low, high) wants {wanted}")
        return None
    return Axis(
        name, kind_of(name, program), (ast.Number(low, span=law.span),), known, low, high, item.name.span
    )


def kind_of(name: str, program: ast.Program) -> Literal["statement", "setting", "name", "parameter"]:
    """What in the file has this name."""
    if name in USES:
        return "statement"
    if name in TRAIN:
        return "setting"
    probe = ast.Number(0.0)
    if any(with_name(s, name, probe) is not s for s in program.statements):
        return "name"
    return "parameter"


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

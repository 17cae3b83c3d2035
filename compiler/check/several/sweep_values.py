"""The check of every value of a sweep that is written out, each in its place, the other axes at their first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netc.compiler.check.several.ensemble import check_fold_ensemble
from netc.compiler.check.several.sweep import first_values, read_sweep
from netc.compiler.check.several.sweep_point import Changed, Values, at_point, data_of, with_name
from netc.compiler.check.training.expect import check_expectations
from netc.compiler.check.training.overrides import Overrides
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.spec import Axis, Spec, Sweep
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span
from netc.dsl.words.vocabulary import axis_meant, joined, meant

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
    expectations = check_expectations(program, report)
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
        if any(tells_of(d, name) for d in error.diagnostics):
            return False
    probe = ast.Number(0.0)
    places = [s for s in program.statements if with_name(s, name, probe) is not s]
    if others := [s for s in places if not isinstance(s, ast.Train | ast.Phase | ast.Schedule)]:
        message = f"which '{name}' is set? It is a parameter of the rule, and a name that stands here as well"
        related = ((head(others[0]), "here"),)
        report.error("E0443", span, message, related=related, hints=("give one of the two another name",))
    return True


def tells_of(found: Diagnostic, name: str) -> bool:
    """Whether it says that `name` is nowhere to set; what it may mean, another name, is quoted behind it."""
    return found.code == "E0512" and found.message.partition("'")[2].startswith(f"{name}'")


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
    axes = [axis for axis in sweep.axes if axis.kind == "parameter" and tells_of(found, axis.name)]
    refused = [v.span for a, v in zip(sweep.axes, values, strict=True) if f"; {a.name} is " in found.message]
    if found.code == "E0414" and refused:
        return replace(found, span=refused[0])
    if not axes:
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

"""The axes of a sweep: values that are listed, or laws that they are drawn from, and what of the file each changes."""

from __future__ import annotations

from typing import Literal

from netc.compiler.check.several.sweep_point import USES, with_name
from netc.compiler.check.training.overrides import Overrides
from netc.compiler.check.training.train import SETTINGS as TRAIN
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.compiler.meaning.spec import Axis
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.words.vocabulary import joined

FIXED = ("runs", "threads", "target", "slow")
"""Settings of train that are the same for all points."""
LAWS: tuple[Literal["uniform", "log_uniform"], ...] = ("uniform", "log_uniform")


def axis_of(
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


def _written(item: ast.Expr) -> str:
    """`eta in (0.1, 0.2)`, `eta in linspace(1e-3, 1e-1, 5)`"""
    match item:
        case ast.Among(ast.Name(name), ast.Tuple(values)):
            return f"values stand in braces, {name} in {{{', '.join(v.span.text for v in values)}}}"
        case ast.Among(ast.Name(name), ast.Range(ast.Number(low), ast.Number(high))) if (
            low + 1 < high <= low + 9
        ):
            listed = ", ".join(f"{low + i:g}" for i in range(int(high - low) + 1))
            return f"values are listed, {name} in {{{listed}}}"
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

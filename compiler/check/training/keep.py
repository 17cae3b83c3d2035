"""`stop = no gain in ...` and `keep = best(...)`: by which figure, of which part of the data, runs are judged.

Whether there is such a part is known where the data are (`runtime/data/validation.py`).
"""

from __future__ import annotations

from netc.compiler.check.parts.settings import Settings, Unfit, condition, whole
from netc.compiler.meaning.attacks import under_attack
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve_values import NotANumber
from netc.compiler.meaning.spec import PARTS, Judged, Patience
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.words.foreign_figures import WRITTEN, figure_meant, part_meant
from netc.dsl.words.vocabulary import joined

Stop = tuple[ast.Expr | None, ast.Gain | None]
"""A condition that the kernels test, and one that the reports do; a run ends where either holds."""
NEVER: Stop = (None, None)
FIGURES = ("loss", "accuracy", "r2")
EXAMPLES = "loss(validation), accuracy(validation), loss(train), norm(grad R)"


def stop_of(value: ast.Expr) -> Stop:
    """`condition`, `no gain in ...`, or `condition or no gain in ...`."""
    match value:
        case ast.Gain():
            return None, value
        case ast.Logic("or", left, ast.Gain() as gain):
            return condition(left), gain
    return condition(value), None


def check_patience(gain: ast.Gain, losses: frozenset[str], report: Report) -> Patience | None:
    if gain.unit not in ("epoch", "epochs"):
        message = (
            f"figures are looked at once an epoch, so patience is a number of epochs, not of {gain.unit}"
        )
        report.error("E0430", gain.span, message, hints=("no gain in loss(validation) for 20 epochs",))
        return None
    judged = judged_of(gain.figure, losses, report)
    try:
        epochs = whole(1)(gain.patience)
    except (Unfit, NotANumber):
        report.error("E0430", gain.patience.span, "patience is a whole number of epochs, at least 1")
        return None
    return Patience(judged, epochs) if judged else None


def check_keep(settings: Settings, losses: frozenset[str], report: Report) -> Judged | None:
    if "keep" not in settings:
        return None
    value = settings.given["keep"].value
    match value:
        case ast.Name("last"):
            return None
        case ast.Call(ast.Name("best"), (ast.Argument(None, figure),)):
            return judged_of(figure, losses, report)
    said = figure_meant(value, "judge").removeprefix(WRITTEN)
    if isinstance(value, ast.Call) and judgeable(value):
        said = print_expr(value)
    said = said if said.endswith(")") and " " not in said else "loss(validation)"
    message = f"keep = {value.span.text or print_expr(value)}: what is kept is 'last', or best({said})"
    report.error("E0431", value.span, message, hints=("keep = best(loss(validation))",))
    return None


def judgeable(figure: ast.Call) -> bool:
    """`accuracy(validation)`"""
    match figure:
        case ast.Call(ast.Name(name), (ast.Argument(None, ast.Name(part)),)):
            return name in FIGURES and part in PARTS
    return False


def judged_of(figure: ast.Expr, losses: frozenset[str], report: Report) -> Judged | None:
    """A figure with its part. A loss alone would be that of the training part, which is rarely meant."""
    names = {**{name: name for name in FIGURES}, **dict.fromkeys(losses, "loss")}
    attack = under_attack(figure)
    match figure:
        case ast.Call(ast.Name("norm"), (ast.Argument(None, ast.Gradient(_, None, None)),)):
            return Judged("gradient_norm", "train")
        case ast.Call(ast.Name(name), (ast.Argument(None, ast.Name(part)), *rest)) if name in names and (
            attack or not rest
        ):
            if part in PARTS:
                return Judged(names[name], next(p for p in PARTS if p == part), attack)  # type: ignore[arg-type]
            says = figure_meant(figure, "judge") if part_meant(part) else ""
            message = joined(f"the data have no part '{part}'", says)
            hints = did_you_mean(part, PARTS) or (f"the parts are {', '.join(PARTS)}",)
            report.error("E0432", figure.span, message, hints=hints)
        case ast.Name(name) if name in names:
            message = f"of which part of the data? '{name}' alone does not say: {name}(validation)"
            hints = (f"{name}(validation), or {name}(train)",)
            report.error("E0432", figure.span, message, hints=hints)
        case _:
            message = f"'{figure.span.text or print_expr(figure)}' is no figure that runs can be judged by"
            message = joined(message, figure_meant(figure, "judge"))
            report.error("E0432", figure.span, message, hints=(f"such figures: {EXAMPLES}",))
    return None


def sorting_of(
    figure: ast.Expr, losses: frozenset[str], program: ast.Program, report: Report
) -> Judged | None:
    """Of a sweep: what its points are sorted by, which is known of runs that have ended."""
    judged = judged_of(figure, losses, report)
    monitored = (f for s in program.statements if isinstance(s, ast.Monitor) for f in s.figures)
    if judged and judged.attack and judged.written not in map(print_expr, monitored):
        message = "figures under attack in a sweep are only known where monitored"
        report.error("E0467", figure.span, message, hints=(f"monitor {judged.written}",))
    return judged

"""`ensemble`: which trained networks answer together, and how. Trains nothing (`runtime/ensemble.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netc.compiler.check.parts.settings import Reader, Settings, word
from netc.compiler.check.parts.statements import Statements
from netc.compiler.check.several.sweep_point import of_folds
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.spec import Ensemble, Sweep
from netc.dsl import ast
from netc.dsl.names import did_you_mean

By = Literal["mean", "vote"]
WAYS: Reader[By] = word("mean", "vote")
MEAN: By = "mean"


def check_ensemble(program: ast.Program, runs: int, phases: Sequence[str], report: Report) -> Ensemble | None:
    """`phases` are the names of those that the file has."""
    statement = Statements(program, report).one(ast.Ensemble)
    if statement is None:
        return None
    by = Settings(statement.settings, "ensemble", ("by",), report).get("by", WAYS, MEAN)
    if objective := next((s for s in program.statements if isinstance(s, ast.Objective)), None):
        related = ((head(objective), "the objective"),)
        report.error("E0452", head(statement), "an objective has no outputs to average", related=related)
    members = statement.members
    match members:
        case ast.Name("runs"):
            if runs < 2:
                message = "an ensemble of one: the training has one run"
                report.error("E0452", members.span, message, hints=("train ..., runs = 5",))
            return Ensemble((), by)
        case ast.Name("folds"):
            message = "an ensemble of folds, and the file trains no folds"
            report.error("E0477", members.span, message, hints=("data ..., split = 80%, folds = 5",))
            return None
        case ast.Name("phases"):
            named = tuple(phases)
        case ast.Set(items) | ast.Tuple(items):
            named = tuple(_phase(item, phases, report) for item in items)
        case _:
            named = ()
            message = f"'{members.span.text}' is nothing that an ensemble can be made of"
            report.error(
                "E0452", members.span, message, hints=("ensemble runs", "ensemble phases", "ensemble folds")
            )
            return None
    if len(set(named)) < 2:
        message = "an ensemble of the ends of phases needs two of them"
        report.error(
            "E0452", members.span, message, hints=("phase cycle: epochs = 20, times = 3, restart = true",)
        )
    return Ensemble(named, by)


def check_fold_ensemble(program: ast.Program, sweep: Sweep, report: Report) -> Ensemble | None:
    """Of all folds of each point of the sweep; None where the file asks for none."""
    found = [s for s in program.statements if isinstance(s, ast.Ensemble)]
    statement = next((s for s in found if of_folds(s)), None)
    if statement is None:
        return None
    if other := next((s for s in found if s is not statement), None):
        related = ((head(statement), "of folds here"),)
        report.error("E0505", head(other), "'ensemble' stands twice", related=related)
    span = statement.members.span
    if not any(axis.name == "fold" for axis in sweep.axes):
        message = "an ensemble of folds, and the file trains no folds"
        report.error("E0477", span, message, hints=("data ..., split = 80%, folds = 5",))
    elif sweep.trials or sweep.by:
        message = (
            "an ensemble of folds needs all folds of a point, and these points are drawn or stopped early"
        )
        report.error("E0477", span, message, hints=("sweep sets: eta in {0.1, 0.01}",))
    by = Settings(statement.settings, "ensemble", ("by",), report).get("by", WAYS, MEAN)
    return Ensemble((), by, folds=True)


def _phase(item: ast.Expr, phases: Sequence[str], report: Report) -> str:
    name = item.id if isinstance(item, ast.Name) else item.span.text
    if name not in phases:
        known = f"phases: {', '.join(phases[:12])}" if phases else "the file has no 'phase'"
        report.error(
            "E0452", item.span, f"there is no phase '{name}'", hints=did_you_mean(name, phases) or (known,)
        )
    return name

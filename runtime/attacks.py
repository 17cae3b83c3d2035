"""Attacks by name, and how good a network is on attacked inputs. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from netc.compiler.check.rule.attacks import check_attack
from netc.compiler.lower.attack import lower_attack
from netc.compiler.meaning.attacks import under_attack
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.gather import gather
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.spec import PARTS, Attack
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.runtime.parameters import Array
from netc.runtime.training.attacker import Attacker

if TYPE_CHECKING:
    from netc.runtime.results.result import Result
    from netc.runtime.session import Session


def attack_of(session: Session, call: ast.Expr) -> Attack:
    """SpecError where there is none such, or the data do not say in which units its numbers are."""
    report = Report()
    attack = check_attack(call, session.spec.data, _definitions(session), report)
    report.finish()
    assert attack is not None
    return attack


def _definitions(session: Session) -> Definitions:
    return gather(session.file.program, session.file.folder, Report())


def attacker(session: Session, attack: Attack) -> Attacker:
    mean = session.program.problem.mean

    def slopes(row: Array, x: Array, y: Array) -> Array:
        return session.slopes.of(row, x, y) * (len(x) if mean else 1)

    assert session.spec.network is not None
    functions = _definitions(session).activations
    return Attacker(lower_attack(attack, session.spec.network.inputs, functions), slopes)


def figure_under(session: Session, figure: str, part: str, call: ast.Expr, result: Result | None) -> Array:
    """(runs,): loss, accuracy or r2 of a part of the data whose inputs are attacked; of no result stand-ins."""
    at = figure_at(session, figure, part, call)
    if result is None:
        return np.ones(min(session.spec.training.runs, 2))
    return np.array([at(session.padded(*of)) for of in zip(result.theta, result.states, strict=True)])


def monitored(session: Session) -> dict[str, Callable[[Array], float]]:
    """Those figures of `monitor` by their names, of a row of parameters and states. SpecError where the data have none
    such."""
    found = {}
    for figure in session.spec.monitor.figures:
        match figure:
            case ast.Call(ast.Name(kind), (ast.Argument(None, ast.Name(part)), _)) if under_attack(figure):
                _require(session, kind, part, figure.span)
                call = figure.arguments[1].value
                found[print_expr(figure)] = figure_at(session, kind, part, call)
    return found


def followed(session: Session) -> dict[str, Callable[[Array], float]]:
    """Those of `monitor`, `keep` and `stop` under attack."""
    judged = [j for _, j in session.spec.training.judged]
    by = {j.written: figure_at(session, j.figure, j.part, j.attack) for j in judged if j.attack}
    return monitored(session) | by


def _require(session: Session, kind: str, part: str, span: Span) -> None:
    kinds = ["loss", *([session.metric.kind] if session.metric else [])]
    if kind not in kinds or part not in session.parts:
        known = ", ".join(f"{kind}({part}, fgsm(0.1))" for kind in kinds for part in session.parts)
        message = f"there is no {kind}({part}) to look at under attack"
        raise SpecError([Diagnostic("E0635", message, span, hints=(f"figures: {known}",))])


def figure_at(session: Session, figure: str, part: str, call: ast.Expr) -> Callable[[Array], float]:
    """Of a row of parameters and states as kernels have it."""
    found = attacker(session, attack_of(session, call))

    def at(row: Array) -> float:
        x, y = session.scaled_parts[PARTS.index(part)]
        return _figure(session, figure, row, found.of(row, x, y), y)

    return at


def _figure(session: Session, figure: str, row: Array, x: Array, y: Array) -> float:
    samples = session.lay_out(x, y)
    loss, outputs = session.evaluator.predict(row, samples)
    if figure == "loss":
        return loss if np.isfinite(loss) else np.inf
    assert session.metric is not None
    return session.metric.score(outputs.astype(np.float64), samples.goal.astype(np.float64))

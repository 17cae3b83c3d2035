"""Attacks by name, and how good a network is on attacked inputs. Trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netc.compiler.check.attacks import check_attack
from netc.compiler.lower.attack import lower_attack
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import gather
from netc.compiler.meaning.spec import PARTS, Attack
from netc.dsl import ast
from netc.runtime.parameters import Array
from netc.runtime.training.attacker import Attacker

if TYPE_CHECKING:
    from netc.runtime.results.result import Result
    from netc.runtime.session import Session


def attack_of(session: Session, call: ast.Expr) -> Attack:
    """SpecError where there is none such, or the data do not say in which units its numbers are."""
    report = Report()
    definitions = gather(session.file.program, session.file.folder, Report())
    attack = check_attack(call, session.spec.data, definitions, report)
    report.finish()
    assert attack is not None
    return attack


def attacker(session: Session, attack: Attack) -> Attacker:
    mean = session.program.problem.mean

    def slopes(row: Array, x: Array, y: Array) -> Array:
        return session.slopes.of(row, x, y) * (len(x) if mean else 1)

    assert session.spec.network is not None
    return Attacker(lower_attack(attack, session.spec.network.inputs), slopes)


def figure_under(session: Session, figure: str, part: str, call: ast.Expr, result: Result | None) -> Array:
    """(runs,): loss, accuracy or r2 of a part of the data whose inputs are attacked; of no result stand-ins."""
    found = attacker(session, attack_of(session, call))
    if result is None:
        return np.ones(min(session.spec.training.runs, 2))
    x, y = session.scaled_parts[PARTS.index(part)]
    rows = (session.padded(*at) for at in zip(result.theta, result.states, strict=True))
    return np.array([_figure(session, figure, row, found.of(row, x, y), y) for row in rows])


def _figure(session: Session, figure: str, row: Array, x: Array, y: Array) -> float:
    samples = session.lay_out(x, y)
    loss, outputs = session.evaluator.predict(row, samples)
    if figure == "loss":
        return loss if np.isfinite(loss) else np.inf
    assert session.metric is not None
    return session.metric.score(outputs.astype(np.float64), samples.goal.astype(np.float64))

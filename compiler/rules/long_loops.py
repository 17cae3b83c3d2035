"""Rules whose step goes round a loop so often that no step of theirs is tried where rules are compared or judged."""

from __future__ import annotations

from typing import Literal

from netc.compiler.rules.simulate import MOST_TURNS
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.walks import walk


def loops_of(rule: ast.Optimizer) -> list[ast.For]:
    return [n for action in rule.body for n in walk(action) if isinstance(n, ast.For)]


def too_long(rule: ast.Optimizer, therefore: str, severity: Literal["error", "warning"]) -> Diagnostic:
    """At the first loop of a rule that has one."""
    message = f"a step of '{rule.name}' goes round its loops more than {MOST_TURNS} times: {therefore}"
    return Diagnostic("E0428", message, loops_of(rule)[0].values.span, severity=severity)

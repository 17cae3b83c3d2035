"""`evaluate at avg[n]` in a rule: the state that is measured and kept in the place of theta. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.rule_body import equations
from netc.dsl import ast
from netc.dsl.names import did_you_mean


def check_point(definition: ast.Optimizer, report: Report) -> str:
    """The name of the state; empty where the rule says nothing, or theta."""
    stated = [s for s in definition.settings if s.name == "evaluate"]
    if not stated:
        return ""
    value = stated[0].value
    states = sorted({e.name for e in equations(definition.body) if e.indices})
    match value:
        case ast.Index(ast.Name("theta"), ast.Name("n")):
            return ""
        case ast.Index(ast.Name(name), ast.Name("n")) if name in states:
            return name
        case ast.Index(ast.Name(name)) | ast.Name(name) if name in states:
            hints: Sequence[str] = (f"evaluate at {name}[n]",)
            message = f"'{value.span.text}': after n iterations the rule is measured at a state's value at n"
        case ast.Index(ast.Name(name)) | ast.Name(name):
            hints = did_you_mean(name, states) or ("a state of the rule: evaluate at avg[n]",)
            message = f"'{name}' is no state of '{definition.name}'"
        case _:
            hints = ("give it a name: avg[n+1] = ..., and evaluate at avg[n]",)
            message = "a rule is measured at one of its states"
    report.error("E0451", value.span, message, hints=hints)
    return ""


def require_vector(
    point: str,
    kinds: Sequence[tuple[str, Literal["scalar", "theta"]]],
    definition: ast.Optimizer,
    report: Report,
) -> None:
    if point and dict(kinds).get(point) != "theta":
        span = next(s.value.span for s in definition.settings if s.name == "evaluate")
        message = f"'{point}' is a number, and a rule is measured at a vector like theta"
        report.error("E0451", span, message)

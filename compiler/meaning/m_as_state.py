"""`m` as papers use it: `m[n+1] = beta1*m[n] + ...` makes m a state of the rule, and no number of batches in it.

Inside the compiler such an m is called `m_`, because m, the number of batches, is read by schedules and kernels.
A rule that counts batches by m (`for i in 1..m`, `theta[n+i/m]`) cannot have a state of that name.
"""

from __future__ import annotations

import re
from dataclasses import replace

from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.walks import changed, children, rebuild, walk

INSIDE = "m_"


def shown(name: str) -> str:
    """As it stands in the text."""
    return "m" if name == INSIDE else name


def with_own_m(rule: ast.Optimizer) -> ast.Optimizer:
    nodes = [n for action in rule.body for n in walk(action)]
    sets = any(isinstance(n, ast.Equation) and n.name == "m" for n in nodes)
    return replace(rule, body=tuple(_action(a) for a in rule.body)) if sets and not _counts(nodes) else rule


def _counts(nodes: list[ast.Node]) -> bool:
    """Is m the number of batches somewhere?"""
    places = [n.values for n in nodes if isinstance(n, ast.For)]
    places += [i for n in nodes if isinstance(n, ast.Equation) for i in n.indices]
    places += [n.index for n in nodes if isinstance(n, ast.Index)]
    return any(n == ast.Name("m") for place in places for n in walk(place))


def _action(action: ast.Action) -> ast.Action:
    action = changed(action, renamed)
    return _targets(action)


def _targets(action: ast.Action) -> ast.Action:
    match action:
        case ast.Equation("m"):
            return replace(action, name=INSIDE)
        case ast.For() | ast.Repeat():
            return replace(action, body=tuple(map(_targets, action.body)))
        case ast.If(body=body, otherwise=otherwise):
            return replace(action, body=tuple(map(_targets, body)), otherwise=tuple(map(_targets, otherwise)))
    return action


def renamed(expr: ast.Expr) -> ast.Expr:
    """With the state's name inside the compiler."""
    if expr == ast.Name("m"):
        return ast.Name(INSIDE, span=expr.span)
    return rebuild(expr, renamed) if any(True for _ in children(expr)) else expr


def in_words(found: Diagnostic) -> Diagnostic:
    """A message with the name as it stands in the text."""

    def words(text: str) -> str:
        return re.sub(rf"\b{INSIDE}\b", "m", text)

    return replace(
        found,
        message=words(found.message),
        label=words(found.label),
        notes=tuple(map(words, found.notes)),
        hints=tuple(map(words, found.hints)),
    )

"""The starts of states in terms of each other -> of parameters (and theta's own start) alone, in any order of the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netc.compiler.calculus import ir
from netc.dsl import ast
from netc.dsl.walks import names_in

THETA = ir.Var("theta", ir.THETA)


def start(
    name: str,
    given: Mapping[str, ast.Expr | None],
    lowered: Callable[[ast.Expr, Mapping[str, ir.Expr]], ir.Expr],
) -> ir.Expr:
    """In the place of another state that it reads stands that one's start; zero where none is given. That no start is
    made of itself has been checked (E0426)."""
    if (value := given[name]) is None:
        return THETA if name == "theta" else ir.Const(0.0)
    read = sorted(names_in(value) & given.keys() - {name})
    return lowered(value, {other: start(other, given, lowered) for other in read})

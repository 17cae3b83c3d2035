"""What the equations of an attack read: inputs, and the slopes by them. Checks nothing."""

from __future__ import annotations

from netc.dsl import ast
from netc.dsl.walks import rebuild

INPUTS = ("x", "x0")
"""The inputs of a sample as they are by now, and those of the data."""
SLOPE = "grad_x"
"""What `grad_x R` is called in expressions."""


def without_slopes(expr: ast.Expr) -> ast.Expr:
    """With a name in the place of `grad_x R`."""
    if isinstance(expr, ast.InputGradient):
        return ast.Name(SLOPE, span=expr.span)
    return rebuild(expr, without_slopes)


def under_attack(figure: ast.Expr) -> ast.Call | None:
    """The attack in `accuracy(test, fgsm(0.1))`; None where it is another figure."""
    match figure:
        case ast.Call(
            ast.Name("loss" | "accuracy" | "r2"),
            (ast.Argument(None, ast.Name()), ast.Argument(None, ast.Call() as attack)),
        ):
            return attack
    return None

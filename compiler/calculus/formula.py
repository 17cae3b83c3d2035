"""An ir expression as text, with the brackets that it needs, for messages and stages; not for code."""

from __future__ import annotations

from typing import Any

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import PRIMITIVES

ATOM = 100
"""Binds more tightly than any operator."""


def formula(expr: ir.Expr) -> str:
    """An ir expression as text; a constant in every element is marked."""
    return _formula(expr)[0]


def _formula(expr: ir.Expr) -> tuple[str, int]:
    """The text and how tightly it binds."""
    match expr:
        case ir.Const(value, axes):
            text = f"{value:g}" if value == float(f"{value:g}") else repr(value)
            return (f"theta({text})" if axes else text), (ATOM if value >= 0 else 0)
        case ir.Var(name):
            return name, ATOM
        case ir.Reduce(op, arg, _, per):
            return f"{op}({formula(arg)}{f', per = {per}' if per else ''})", ATOM
        case ir.Apply(op, args):
            row = PRIMITIVES[op]
            texts: list[Any] = []
            for arg, need in zip(args, row.needs, strict=False):
                text, level = _formula(arg)
                texts.append(text if level >= need else f"({text})")
            return row.text.format(*texts), row.level
        case _:
            return type(expr).__name__.lower(), ATOM

"""An expression of the ir as text: `c*(1 - a*a)`."""

from __future__ import annotations

from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import ATOM, PRIMITIVES, SUM


def expr_text(expr: ir.Expr) -> str:
    """`c*(1 - a*a)`: every bracket that is needed, and no other."""
    return _spelled(expr)[0]


def _spelled(expr: ir.Expr) -> tuple[str, int]:
    """The text and how strongly it binds."""
    done: dict[int, tuple[str, int]] = {}
    for node in ir.postorder(expr):
        match node:
            case ir.Const(value):
                done[id(node)] = (number(value), SUM if value < 0 else ATOM)
            case ir.Var(name):
                done[id(node)] = (name, ATOM)
            case ir.Apply(op, args):
                row = PRIMITIVES[op]
                parts = (done[id(a)] for a in args)
                words = [
                    f"({t})" if level < need else t
                    for (t, level), need in zip(parts, row.needs, strict=False)
                ]
                done[id(node)] = (row.text.format(*words), row.level)
            case ir.Reduce(op, arg, per):
                done[id(node)] = (f"{op}({done[id(arg)][0]}{f', per = {per}' if per else ''})", ATOM)
            case _:
                assert_never(node)
    return done[id(expr)]


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")

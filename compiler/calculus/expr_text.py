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
            case ir.Reduce(op, arg, over, per):
                along = f"[{', '.join(a.name for a in over)}]" if over != ir.THETA else ""
                done[id(node)] = (f"{op}{along}({done[id(arg)][0]}{f', per = {per}' if per else ''})", ATOM)
            case ir.Place(axis):
                done[id(node)] = (axis.name, ATOM)
            case ir.View(arg, axis, index, outside):
                beyond = f" else {number(outside)}" if outside else ""
                done[id(node)] = (
                    f"{_bracketed(done[id(arg)])}[{axis.name} = {index_text(index)}{beyond}]",
                    ATOM,
                )
            case ir.Pick(arg, axis, place):
                done[id(node)] = (f"{_bracketed(done[id(arg)])}[{axis.name} = {done[id(place)][0]}]", ATOM)
            case ir.Draw(law, arguments, purpose):
                done[id(node)] = (f"{law}({', '.join(map(number, arguments))}; {purpose})", ATOM)
            case _:
                assert_never(node)
    return done[id(expr)]


def _bracketed(spelled: tuple[str, int]) -> str:
    return spelled[0] if spelled[1] == ATOM else f"({spelled[0]})"


def index_text(index: ir.Index) -> str:
    """`2*h + p - 1`"""
    parts = [f"{f}*{a.name}" if f != 1 else a.name for a, f in index.terms]
    parts += [str(index.offset)] if index.offset or not parts else []
    text = " + ".join(parts).replace("+ -", "- ")
    if index.divisor == 1:
        return text
    return f"floor(({text})/{index.divisor})" if index.floor else f"({text})/{index.divisor}"


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")

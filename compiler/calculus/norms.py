"""Norms written out for code, so that no square overflows or vanishes: ir -> ir, the last step before loops are chosen.

    norm(x)  ->  sqrt(sum((x*s)^2))/s

s is 1 where the largest element lies far from both ends of the precision, so that the bits are those of the plain
formula, and else a power of two that brings it there: s rounds nothing. A rule that writes sqrt(sum(x^2)) gets just that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from netc.compiler.calculus.ir import Apply, Const, Expr, Program, Reduce, apply
from netc.compiler.calculus.simplify import rebuild
from netc.dsl.record import parts, record
from netc.dsl.source import Span

Node = TypeVar("Node")


@record
class Scale:
    """Of a precision: squares of elements from `low` to `high`, and their sum, are exact enough; `big` is a power of two."""

    low: float
    high: float
    big: float


SCALES: Mapping[str, Scale] = {
    "f32": Scale(1e-13, 1e15, 2.0**100),
    "f64": Scale(1e-140, 1e145, 2.0**600),
}


def written_out(program: Program) -> Program:
    """The program with every norm as sums."""
    return _changed(program, SCALES[program.training.precision])


def _changed(node: Node, scale: Scale) -> Node:
    """Any part of a program: its expressions changed, all else as it is."""
    found: Any = node
    if isinstance(node, Expr):
        found = _expression(node, scale)
    elif isinstance(node, tuple):
        new_parts = tuple(_changed(part, scale) for part in node)
        found = new_parts if any(a is not b for a, b in zip(node, new_parts, strict=True)) else node
    elif (names := parts(type(node))) and not isinstance(node, Span):
        new = {name: _changed(getattr(node, name), scale) for name in names}
        changed = {name: part for name, part in new.items() if part is not getattr(node, name)}
        found = replace(found, **changed) if changed else node
    return found  # type: ignore[no-any-return]


def _expression(expr: Expr, scale: Scale) -> Expr:
    made: dict[Expr, Reduce] = {}
    """What a norm became, and the norm that it was."""

    def change(node: Expr) -> Expr:
        match node:
            case Reduce("norm"):
                found = _norm(node, scale)
                made[found] = node
                return found
            case Apply("lt" | "le" | "gt" | "ge" as op, (a, Const(bound))) if (
                _in_reach(bound, scale) and a in made
            ):
                return apply(
                    op, _plain(made[a]), Const(bound)
                )  # what overflows is larger, what vanishes smaller
            case Apply("mul", (a, b)) if a == b and a in made:
                return _norm(made[a], scale, squared=True)
        return node

    return rebuild(expr, change)


def _in_reach(bound: float, scale: Scale) -> bool:
    return scale.low < bound < scale.high


def _sum(x: Expr, norm: Reduce) -> Expr:
    return Reduce("sum", apply("mul", x, x), norm.over, norm.per)


def _plain(norm: Reduce) -> Expr:
    return apply("sqrt", _sum(norm.arg, norm))


def _norm(norm: Reduce, scale: Scale, squared: bool = False) -> Expr:
    largest = Reduce("max", apply("abs", norm.arg), norm.over, norm.per)

    def factor(large: float, small: float) -> Expr:
        vanishing = apply("select", apply("lt", largest, Const(scale.low)), Const(small), Const(1.0))
        return apply("select", apply("gt", largest, Const(scale.high)), Const(large), vanishing)

    s, inverse = factor(1 / scale.big, scale.big), factor(scale.big, 1 / scale.big)
    found = _sum(apply("mul", norm.arg, s), norm)
    if squared:
        return apply("mul", apply("mul", found, inverse), inverse)
    return apply("mul", apply("sqrt", found), inverse)

"""Indices of update rules: which moment `[n]`, `[n+1]`, `[n+1/2]`, `[n+i/m]`, `[0]` is. Knows no rule."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from netc.dsl import ast
from netc.dsl.record import record


@record
class Moment:
    """n + `shift`; in a loop n+i/m (`sub`) and n+(i-1)/m (`before`); `initial` is [0]."""

    kind: Literal["at", "sub", "before", "initial"]
    shift: Fraction = Fraction(0)

    @property
    def suffix(self) -> str:
        """Of the variable that holds a state at this moment."""
        match self.kind, self.shift:
            case ("at", Fraction(numerator=0)):
                return ""
            case ("at", Fraction(numerator=1, denominator=1)):
                return "_next"
            case ("at", Fraction(numerator=1, denominator=2)):
                return "_half"
            case ("at", shift):
                return f"_{shift.numerator}_{shift.denominator}"
        return f"_{self.kind}"


NOW, NEXT, START = Moment("at"), Moment("at", Fraction(1)), Moment("initial")
SUB, BEFORE = Moment("sub"), Moment("before")
FINEST = 1000
"""Largest denominator of a substep written as a decimal."""


def moment(index: ast.Expr, counter: str, loops: Mapping[str, ast.Expr] | None = None) -> Moment | None:
    """The moment of an index, None if it is none. `loops` are the loops around: index -> last value."""
    match index:
        case ast.Number(0.0):
            return START
        case ast.Name(id) if id == counter:
            return NOW
        case ast.Binary("+", ast.Name(id), shift) if id == counter:
            return _shifted(shift, loops or {})
    return None


def _shifted(shift: ast.Expr, loops: Mapping[str, ast.Expr]) -> Moment | None:
    match shift:
        case ast.Number(value) if 0 <= value <= 1:
            return Moment("at", Fraction(value).limit_denominator(FINEST))
        case ast.Binary("/", ast.Number(p), ast.Number(q)) if 0 <= p <= q and q > 0:
            return Moment("at", (Fraction(p) / Fraction(q)).limit_denominator(FINEST))
        case ast.Binary("/", ast.Name(i), last) if i in loops and loops[i] == last:
            return SUB
        case ast.Binary("/", ast.Binary("-", ast.Name(i), ast.Number(1.0)), last) if loops.get(i) == last:
            return BEFORE
    return None

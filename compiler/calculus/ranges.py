"""Interval analysis: where the values of an expression can lie, and which of its functions may lack a value.

Ranges are of real numbers (`intervals.py`), rounding left out. They may be too wide, but of an expression without a
fault never too narrow, and what has no fault here has none.
A range of the elements of a vector holds each of them. Nothing is searched for (see `domains.py`), nothing simplified.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from netc.compiler.calculus.intervals import (
    FUNCTIONS,
    INF,
    LINE,
    Range,
    corners,
    hull,
    lacking,
    nearer_end,
    rooted,
    squared,
    undefined,
)
from netc.compiler.calculus.ir import Apply, Const, Expr, Reduce, Var, postorder
from netc.dsl.record import record


@record
class Fault:
    """A function that may have no value: `node` is its call, `argument` the part whose `range` is to blame."""

    node: Apply
    argument: Expr
    range: Range


class Ranges:
    """The ranges of expressions, given those of some of their parts; `faults` collects what may have no value.

    `one_hot` is a vector with one 1 and 0 elsewhere, if there is one; `units` the number of elements of a vector.
    """

    def __init__(self, known: Mapping[Expr, Range], units: int = 1, one_hot: Expr | None = None) -> None:
        self.known = dict(known)
        self.units = units
        self.one_hot = one_hot
        self.faults: list[Fault] = []

    def of(self, expr: Expr) -> Range:
        if expr not in self.known:
            self.known[expr] = self._found(expr)
        return self.known[expr]

    def _found(self, expr: Expr) -> Range:
        match expr:
            case Const(value):
                return LINE if math.isnan(value) else Range(value, value)
            case Var():
                return LINE
            case Reduce(op, arg):
                return self._reduced(op, arg)
            case Apply("select", (condition, a, b)):
                return self._chosen(condition, a, b)
            case Apply("div", (x, Reduce("sum", y) as whole)) if x == y and self.of(x).low >= 0:
                if 0.0 in self.of(whole):  # all shares are 0/0
                    self.faults.append(Fault(expr, whole, self.of(whole)))
                share = Range(0.0, 1.0, self.of(x).above(0), self.units > 1 and self.of(x).above(0))
                return replace(share, low=1.0, low_open=False) if self.units == 1 else share
            case Apply("mul", (x, y)) if x == y:
                return squared(self.of(x))
            case Apply("sub", (x, y)) if x == y and not self.of(x).infinite:
                return Range(0.0, 0.0)
            case Apply(op, args):
                ranges = tuple(self.of(a) for a in args)
                if (blamed := lacking(op, ranges)) is not None:
                    self.faults.append(Fault(expr, args[blamed], ranges[blamed]))
                elif undefined(op, ranges):
                    self.faults.append(Fault(expr, expr, LINE))
                    return LINE
                if op == "div" and self._outweighs(args[1], args[0]):
                    return Range(-1.0, 1.0, True, True)
                return FUNCTIONS[op](*ranges) if op in FUNCTIONS else LINE
            case _:
                return LINE  # of places and draws nothing is asked: they stand in no loss

    def _reduced(self, op: str, arg: Expr) -> Range:
        inner = self.of(arg)
        if op == "norm":
            return rooted(corners(lambda a, b: a * b, squared(inner), Range(self.units, self.units)))
        if op != "sum":
            return inner
        match arg:
            case Apply("mul", (a, b)) if self.one_hot in (a, b):
                return self.of(b if a == self.one_hot else a)
        if arg == self.one_hot:
            return Range(1.0, 1.0)
        return corners(lambda a, b: a * b, inner, Range(self.units, self.units))

    def _outweighs(self, below: Expr, x: Expr) -> bool:
        """Is `below` c + |x| or sqrt(c + x^2), with c > 0?"""
        match below:
            case Apply("add", (c, Apply("abs", (y,))) | (Apply("abs", (y,)), c)):
                return x == y and self.of(c).above(0)
            case Apply("sqrt", (Apply("add", (a, b)),)):
                return any(_root(square) == x and self.of(c).above(0) for c, square in ((a, b), (b, a)))
        return False

    # -- choices -----------------------------------------------------------------------------------

    def _chosen(self, condition: Expr, a: Expr, b: Expr) -> Range:
        decided = self.truth(condition)
        branches = [(a, True)] * (decided is not False) + [(b, False)] * (decided is not True)
        return hull(self._branch(condition, value, holds) for value, holds in branches)

    def _branch(self, condition: Expr, value: Expr, holds: bool) -> Range:
        """The range of a branch, which counts only where its condition holds."""
        inside = Ranges({**self.known, **self._narrowed(condition, holds)}, self.units, self.one_hot)
        for node in postorder(value):  # what was found without the condition may be too wide here
            if not isinstance(node, Var | Const):
                inside.known.pop(node, None)
        inside.known |= self._narrowed(condition, holds)
        found = inside.of(value)
        self.faults += inside.faults
        return found

    def truth(self, condition: Expr) -> bool | None:
        """None where it holds for some of the values only."""
        match condition:
            case Apply("not", (c,)):
                inner = self.truth(c)
                return None if inner is None else not inner
            case Apply("and" | "or" as op, (c, d)):
                decided = op == "or"
                both = (self.truth(c), self.truth(d))
                return decided if decided in both else None if None in both else not decided
            case Apply("lt" | "le" | "gt" | "ge" as op, (a, b)):
                low, high = (b, a) if op in ("lt", "le") else (a, b)
                gap = corners(lambda x, y: x - y, self.of(low), self.of(high))  # of lt: b - a
                strict = op in ("lt", "gt")
                if gap.above(0) or (not strict and gap.low >= 0):
                    return True
                never = gap.high < 0 or (gap.high == 0 and (strict or gap.high_open))
                return False if never else None
        for part in condition.args if isinstance(condition, Apply) else ():
            self.of(part)
        return None

    def _narrowed(self, condition: Expr, holds: bool) -> dict[Expr, Range]:
        """What is known of parts of the condition where it holds (or does not)."""
        match condition:
            case Apply("not", (c,)):
                return self._narrowed(c, not holds)
            case Apply("and" | "or" as op, (c, d)) if holds == (op == "and"):
                first = self._narrowed(c, holds)
                both = Ranges({**self.known, **first}, self.units, self.one_hot)
                return {**first, **both._narrowed(d, holds)}
            case Apply("lt" | "le" | "gt" | "ge" as op, (a, b)):
                less = (op in ("lt", "le")) == holds
                strict = (op in ("lt", "gt")) == holds
                small, large = (a, b) if less else (b, a)
                below, above = self.of(small), self.of(large)
                top, bottom = nearer_end(below, above, strict, True), nearer_end(above, below, strict, False)
                found = {
                    small: replace(below, high=top[0], high_open=top[1]),
                    large: replace(above, low=bottom[0], low_open=bottom[1]),
                }
                return {part: r for part, r in found.items() if not isinstance(part, Const)}
        return {}


def pointwise(value: Expr, variable: Var) -> Range:
    """The range of a function of one number, piece by piece, so that what it adds to itself counts in part only."""
    sizes = [2.0 ** (k / 4) for k in range(-80, 81)]
    cuts = [-INF, *(-x for x in reversed(sizes)), 0.0, *sizes, INF]
    whole = Ranges({variable: LINE}).of(value)  # at finite cuts rounding attains what the limit does not
    pieces = hull(Ranges({variable: Range(a, b)}).of(value) for a, b in pairwise(cuts))
    low, high = nearer_end(pieces, whole, False, False), nearer_end(pieces, whole, False, True)
    return Range(low[0], high[0], low[1], high[1])


def _root(square: Expr) -> Expr | None:
    match square:
        case Apply("mul", (x, y)) if x == y:
            return x
        case Apply("pow", (x, Const(2.0))):
            return x
    return None

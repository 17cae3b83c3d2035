"""Subscripts as places: sums of whole multiples of indices, rounded down or not. Knows no arrays and no ranges.

stride*h + p - pad        terms h: stride, p: 1, offset -pad
floor(h/2)                the same, rounded down
(h - p)/2                 a place only where nothing is left over
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from math import floor, gcd, isfinite, lcm

from netc.compiler.meaning.resolve_values import number_or_none
from netc.dsl import ast
from netc.dsl.record import record

FINEST = 10**6
"""The largest denominator of a number in a subscript."""


@record
class Floor:
    """A part that is rounded down."""

    inner: Linear


@record
class Linear:
    """offset + sum of factor*part; a part is an index or what is rounded down."""

    terms: tuple[tuple[str | Floor, Fraction], ...]
    offset: Fraction = Fraction(0)

    @property
    def names(self) -> frozenset[str]:
        """The indices in it, those that are rounded down too."""
        found: frozenset[str] = frozenset()
        for part, _ in self.terms:
            found |= {part} if isinstance(part, str) else part.inner.names
        return found

    @property
    def divisor(self) -> int:
        """The least number that makes all factors whole."""
        return lcm(self.offset.denominator, *(f.denominator for _, f in self.terms))

    @property
    def is_a_place(self) -> bool:
        """Whether it is a whole number for some indices."""
        whole = self.divisor
        return self.offset * whole % gcd(whole, *(int(f * whole) for _, f in self.terms)) == 0

    def bounds(self, sizes: Mapping[str, int]) -> tuple[Fraction, Fraction]:
        """The least and the largest value."""
        low = high = self.offset
        for part, factor in self.terms:
            ends = _ends(part, sizes)
            reached = [factor * end for end in ends]
            low, high = low + min(reached), high + max(reached)
        return low, high

    def plus(self, other: Linear, sign: int = 1) -> Linear:
        total = dict(self.terms)
        for part, factor in other.terms:
            total[part] = total.get(part, Fraction(0)) + sign * factor
        terms = tuple((part, factor) for part, factor in total.items() if factor)
        return Linear(terms, self.offset + sign * other.offset)

    def times(self, factor: Fraction) -> Linear:
        terms = tuple((part, f * factor) for part, f in self.terms if f * factor)
        return Linear(terms, self.offset * factor)


def _ends(part: str | Floor, sizes: Mapping[str, int]) -> tuple[int, int]:
    if isinstance(part, str):
        return 0, sizes[part] - 1
    low, high = part.inner.bounds(sizes)
    return floor(low), floor(high)


def linear(expr: ast.Expr, indices: Collection[str]) -> Linear | None:
    """The place that a subscript says; None where it is none of these, but computed."""
    value = number_or_none(expr)
    if value is not None:
        near = Fraction(value).limit_denominator(FINEST) if isfinite(value) else None
        return Linear((), near) if near is not None and float(near) == value else None
    match expr:
        case ast.Name(id) if id in indices:
            return Linear(((id, Fraction(1)),))
        case ast.Unary(op, operand):
            inner = linear(operand, indices)
            return inner and inner.times(Fraction(-1 if op == "-" else 1))
        case ast.Binary(("+" | "-") as op, left, right):
            a, b = linear(left, indices), linear(right, indices)
            return a.plus(b, 1 if op == "+" else -1) if a and b else None
        case ast.Binary("*", left, right):
            a, b = linear(left, indices), linear(right, indices)
            if a and b and not a.terms:
                return b.times(a.offset)
            return a.times(b.offset) if a and b and not b.terms else None
        case ast.Binary("/", left, right):
            a, b = linear(left, indices), linear(right, indices)
            return a.times(1 / b.offset) if a and b and not b.terms and b.offset else None
        case ast.Call(ast.Name("floor"), (ast.Argument(None, operand),)):
            inner = linear(operand, indices)
            if inner is None or inner.divisor == 1:
                return inner
            return Linear(((Floor(inner), Fraction(1)),))
    return None

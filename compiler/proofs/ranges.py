"""Exact numbers that stand for all values of a parameter: one of them, and the interval in which all of them lie.

An identity of rational functions that holds at one random point holds everywhere (Schwartz 1980, Zippel 1979):
`value` is that point. A sign is another matter: it is read off the interval alone, never off the point.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from math import isqrt
from random import Random

ZERO, ONE = Fraction(0), Fraction(1)
Sign = int
"""2: positive; 1: not negative; -1: not positive; -2: negative; 0: not known."""
Bound = tuple[Fraction | None, bool]
"""An end of an interval, None if there is none; whether it is left out."""


@dataclass(frozen=True, slots=True)
class Range:
    """All real numbers from `low` to `high`; None: without end."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False

    @property
    def sign(self) -> Sign:
        if self.low is not None and (self.low > 0 or (self.low == 0 and self.low_open)):
            return 2
        if self.high is not None and (self.high < 0 or (self.high == 0 and self.high_open)):
            return -2
        if self.low is not None and self.low >= 0:
            return 1
        return -1 if self.high is not None and self.high <= 0 else 0

    def __add__(self, other: Range) -> Range:
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        return Range(low, high, self.low_open or other.low_open, self.high_open or other.high_open)

    def __neg__(self) -> Range:
        return Range(
            None if self.high is None else -self.high,
            None if self.low is None else -self.low,
            self.high_open,
            self.low_open,
        )

    def __mul__(self, other: Range) -> Range:
        """Of factors that are not negative to the point, of others by sign."""
        a, b = self.sign, other.sign
        if a < 0:
            return -(-self * other)
        if b < 0:
            return -(self * -other)
        if a == 0 or b == 0:
            finite = [x for r in (self, other) for x in (r.low, r.high)]
            if None in finite:
                return Range()
            ends = [x * y for x in finite[:2] for y in finite[2:]]  # type: ignore[operator]
            return Range(min(ends), max(ends))
        assert self.low is not None
        assert other.low is not None
        low = self.low * other.low
        low_open = a == b == 2 and (low == 0 or self.low_open or other.low_open)
        if self.high is None or other.high is None:
            return Range(low, None, low_open)
        high = self.high * other.high
        return Range(low, high, low_open, high > 0 and (self.high_open or other.high_open))

    def inverse(self) -> Range:
        """Of numbers that are not 0."""
        if self.sign < 0:
            return -(-self).inverse()
        if self.sign == 0:
            return Range()
        assert self.low is not None
        high = None if self.low == 0 else 1 / self.low
        low = ZERO if self.high is None else 1 / self.high
        return Range(low, high, self.high is None or self.high_open, self.low_open)

    def root(self) -> Range:
        """Of numbers that are not negative; what is no square of a fraction is widened."""
        low = ZERO if self.low is None else _root(self.low, up=False)
        high = None if self.high is None else _root(self.high, up=True)
        return Range(low, high, self.sign == 2 and (low == 0 or self.low_open), self.high_open)


def _root(x: Fraction, up: bool) -> Fraction:
    found = Fraction(isqrt(x.numerator * x.denominator), x.denominator)
    return found if found * found == x or not up else found + 1


ANY, POSITIVE, NOT_NEGATIVE = Range(), Range(ZERO, None, True), Range(ZERO)
AT_MOST_ONE, UNIT, SHARE = Range(-ONE, ONE), Range(ZERO, ONE), Range(ZERO, ONE, True)
"""[-1, 1], [0, 1] and (0, 1]."""


def by_sign(sign: Sign) -> Range:
    match sign:
        case 2:
            return POSITIVE
        case 1:
            return NOT_NEGATIVE
        case -1 | -2:
            return -by_sign(-sign)
    return ANY


@dataclass(frozen=True, slots=True)
class Number:
    """A rational function of the parameters: at the random point, and where it lies; None: it is that number.

    Two that agree at the point are the same function.
    """

    value: Fraction
    range: Range | None = field(default=None, compare=False)
    pole: bool = field(default=False, compare=False)
    """For some parameters it has no value: it may change its sign there."""

    def __add__(self, other: Number) -> Number:
        return Number(
            self.value + other.value, _both(self, other) and self.where + other.where, self.pole or other.pole
        )

    def __sub__(self, other: Number) -> Number:
        return self + -other

    def __neg__(self) -> Number:
        return Number(-self.value, self.range and -self.range, self.pole)

    def __mul__(self, other: Number) -> Number:
        if self.range is None and self.value == 1:
            return other
        if other.range is None and other.value == 1:
            return self
        return Number(
            self.value * other.value, _both(self, other) and self.where * other.where, self.pole or other.pole
        )

    def __truediv__(self, other: Number) -> Number:
        if self.value == other.value:
            return Number(ONE)
        pole = other.pole or abs(other.sign) != 2
        return self * Number(1 / other.value, other.range and other.range.inverse(), pole)

    def __pow__(self, exponent: int) -> Number:
        if exponent < 0:
            return (Number(ONE) / self) ** -exponent
        if self.range is None:
            return Number(self.value**exponent)
        out = Number(ONE)
        for _ in range(exponent):
            out = out * self
        return Number(out.value, NOT_NEGATIVE, out.pole) if exponent % 2 == 0 and out.sign == 0 else out

    @property
    def where(self) -> Range:
        return Range(self.value, self.value) if self.range is None else self.range

    @property
    def sign(self) -> Sign:
        if self.range is not None:
            return self.range.sign
        return 2 if self.value > 0 else -2 if self.value else 1

    def root(self) -> Number | None:
        """Of a positive number, where it is a fraction at the random point: positive for all parameters, so it is one
        function, not |f| that is f here and -f elsewhere; and of 0."""
        if self.range is None and not self.value:
            return self
        if self.sign != 2 or self.value <= 0 or self.pole:
            return None
        found = Fraction(isqrt(self.value.numerator), isqrt(self.value.denominator))
        if found * found != self.value:
            return None
        return Number(found, self.range and self.range.root())


def _both(x: Number, y: Number) -> Range | None:
    """Something true if one of them is no single number."""
    return x.range or y.range


def drawn_by(*words: str) -> Random:
    """Random numbers that hang on all of what they are drawn for, so that it cannot have been written for them."""
    return Random(blake2b("\n".join(words).encode(), digest_size=16).digest())


def number(value: Fraction | int) -> Number:
    return Number(Fraction(value))

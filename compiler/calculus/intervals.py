"""Intervals of real numbers with open and closed ends, and what the primitives make of them, rounding left out.

What is found may be too wide, never too narrow: of arguments for which the function has values (`lacking`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product

from netc.dsl.record import record

INF = math.inf


@record
class Range:
    """From `low` to `high`; an open end is not attained. An infinite end is open."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "low_open", self.low_open or self.low == -INF)
        object.__setattr__(self, "high_open", self.high_open or self.high == INF)

    def __contains__(self, x: float) -> bool:
        above = self.low < x or (self.low == x and not self.low_open)
        return above and (x < self.high or (x == self.high and not self.high_open))

    def above(self, x: float) -> bool:
        """Is every number of the range greater than x?"""
        return self.low > x or (self.low == x and self.low_open)

    @property
    def infinite(self) -> bool:
        """Is it one infinite number?"""
        return self.low == self.high and math.isinf(self.low)

    def __str__(self) -> str:
        ends = ("(" if self.low_open else "["), (")" if self.high_open else "]")
        return f"{ends[0]}{self.low + 0.0:.4g}, {self.high + 0.0:.4g}{ends[1]}"  # no -0


LINE = Range(-INF, INF)
End = tuple[float, bool]
"""A bound, and whether it is open."""


def lacking(op: str, ranges: tuple[Range, ...]) -> int | None:
    """Which argument of the function may be one for which there is no value."""
    match op, ranges:
        case "log", (x,) if not x.above(0):
            return 0
        case "log1p", (x,) if not x.above(-1):
            return 0
        case "sqrt", (x,) if x.low < 0:
            return 0
        case "div", (_, y) if 0.0 in y:
            return 1
        case "pow", (x, y):
            whole = y.low == y.high and float(y.low).is_integer()
            if not whole and x.low < 0:
                return 0
            return 0 if y.low < 0 and 0.0 in x else None
    return None


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
}  # fmt: skip


def undefined(op: str, ranges: tuple[Range, ...]) -> bool:
    """Is it inf - inf, 0*inf or inf/inf? Of numbers that are infinite themselves, not of ends that are not attained."""
    if op not in ARITHMETIC or not any(r.infinite for r in ranges):
        return False
    return all(r.low == r.high for r in ranges) and math.isnan(ARITHMETIC[op](*(r.low for r in ranges)))


def nearer_end(own: Range, other: Range, strict: bool, upper: bool) -> End:
    """The nearer of two upper (or lower) ends."""
    a = (own.high, own.high_open) if upper else (own.low, own.low_open)
    b = (other.high, other.high_open) if upper else (other.low, other.low_open)
    b = (b[0], b[1] or strict)
    if a[0] == b[0]:
        return a[0], a[1] or b[1]
    return min(a, b) if upper else max(a, b)


def hull(ranges: Iterator[Range]) -> Range:
    found = list(ranges)
    low, high = min(r.low for r in found), max(r.high for r in found)
    lows, highs = ([r for r in found if r.low == low], [r for r in found if r.high == high])
    return Range(low, high, all(r.low_open for r in lows), all(r.high_open for r in highs))


def corners(function: Callable[[float, float], float], a: Range, b: Range) -> Range:
    """Of a function that is monotone in each argument: its extremes are at the ends."""
    ends = []
    for (x, x_open), (y, y_open) in product(_ends(a), _ends(b)):
        value = function(x, y)
        if math.isnan(value):  # 0*inf, inf - inf: the limit is 0 or covered by the other corners
            value = 0.0 if 0.0 in (x, y) else -INF
            ends.append((-value, True))
        attained = (x == 0 and not x_open) or (y == 0 and not y_open)
        ends.append((value, (x_open or y_open) and not (attained and value == 0 and function(1, 0) == 0)))
    return _between(ends)


def _between(ends: list[End]) -> Range:
    low, high = min(v for v, _ in ends), max(v for v, _ in ends)
    return Range(low, high, all(o for v, o in ends if v == low), all(o for v, o in ends if v == high))


def _ends(r: Range) -> tuple[End, End]:
    return (r.low, r.low_open), (r.high, r.high_open)


def squared(r: Range) -> Range:
    size = _abs(r)
    return Range(size.low * size.low, size.high * size.high, size.low_open, size.high_open)


def rooted(r: Range) -> Range:
    inside = Range(max(r.low, 0.0), max(r.high, 0.0), r.low_open and r.low >= 0, r.high_open)
    return _rising(math.sqrt)(inside)


def _abs(r: Range) -> Range:
    if 0.0 in r:
        return _between([(0.0, False), (-r.low, r.low_open), (r.high, r.high_open)])
    return r if r.low >= 0 else Range(-r.high, -r.low, r.high_open, r.low_open)


def _rising(function: Callable[[float], float]) -> Callable[[Range], Range]:
    def of(r: Range) -> Range:
        return Range(_limit(function, r.low), _limit(function, r.high), r.low_open, r.high_open)

    return of


def _limit(function: Callable[[float], float], x: float) -> float:
    try:
        return function(x)
    except OverflowError:
        return INF if x > 0 else -INF
    except (
        ValueError
    ):  # left of the domain: the fault is noted, the values that there are begin at the bottom
        return -INF


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)


def _even(function: Callable[[float], float]) -> Callable[[Range], Range]:
    """Rising in |x|."""
    return lambda r: _rising(function)(_abs(r))


def _quotient(a: Range, b: Range) -> Range:
    if b.low < 0 < b.high:
        return LINE
    if 0 in (b.low, b.high):  # 1/b, b touching 0 from one side
        side = 1.0 if b.high > 0 else -1.0
        far, is_open = (b.high, b.high_open) if side > 0 else (b.low, b.low_open)
        inverse = _between([(side * INF, True), (1 / far if far else side * INF, is_open)])
    else:
        inverse = Range(1 / b.high, 1 / b.low, b.high_open, b.low_open)
    return corners(operator.mul, a, inverse)


def _power(a: Range, b: Range) -> Range:
    if b.low == b.high:
        n = b.low
        if n == 0:
            return Range(1.0, 1.0)
        if n < 0:
            return _quotient(Range(1.0, 1.0), _power(a, Range(-n, -n)))
        if n % 2 == 0:
            return _even(lambda x: x**n)(a)
        if n % 1 == 0 or a.low >= 0:
            return _rising(lambda x: x**n)(a)
        return Range(0.0, _limit(lambda x: x**n, max(a.high, 0.0)), False, a.high_open)
    return Range(0.0, INF, a.above(0)) if a.low >= 0 else LINE


def _extreme(pick: Callable[[float, float], float]) -> Callable[[Range, Range], Range]:
    def of(a: Range, b: Range) -> Range:
        low, high = pick(a.low, b.low), pick(a.high, b.high)
        lows = [r.low_open for r in (a, b) if r.low == low]
        highs = [r.high_open for r in (a, b) if r.high == high]
        together = all if pick is min else any
        return Range(low, high, together(lows), any(highs) if pick is min else all(highs))

    return of


FUNCTIONS: Mapping[str, Callable[..., Range]] = {
    "add": partial(corners, operator.add),
    "sub": partial(corners, operator.sub),
    "mul": partial(corners, operator.mul),
    "div": _quotient,
    "pow": _power,
    "neg": lambda r: Range(-r.high, -r.low, r.high_open, r.low_open),
    "exp": _rising(math.exp),
    "expm1": _rising(math.expm1),
    "log": _rising(math.log),
    "log1p": _rising(math.log1p),
    "sqrt": rooted,
    "abs": _abs,
    "sign": lambda r: Range(1.0 if r.above(0) else 0.0 if r.low >= 0 else -1.0, float(r.high > 0) - float(r.high < 0)),
    "floor": lambda r: Range(_limit(math.floor, r.low) if r.low > -INF else -INF, r.high),
    "tanh": _rising(math.tanh),
    "sigmoid": _rising(_sigmoid),
    "softplus": _rising(lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x)))),
    "erf": _rising(math.erf),
    "atan": _rising(math.atan),
    "sinh": _rising(math.sinh),
    "cosh": _even(math.cosh),
    "logcosh": _even(lambda x: x + math.log1p(math.exp(-2 * x)) - math.log(2)),
    "sin": lambda r: Range(-1.0, 1.0),
    "cos": lambda r: Range(-1.0, 1.0),
    "min": _extreme(min),
    "max": _extreme(max),
    "stop_gradient": lambda r: r,
}  # fmt: skip
"""Where the values of a primitive lie; of one that is not here they may be anything."""

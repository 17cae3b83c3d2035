"""Interval analysis: where the values of an expression can lie, and which of its functions may lack a value.

Ranges are of real numbers, rounding left out. They may be too wide, but of an expression without a fault never too
narrow, and what has no fault here has none.
A range of the elements of a vector holds each of them. Nothing is searched for (see `domains.py`), nothing simplified.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise, product

from netc.compiler.calculus.ir import Apply, Const, Expr, Reduce, Var, postorder
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

    def __str__(self) -> str:
        ends = ("(" if self.low_open else "["), (")" if self.high_open else "]")
        return f"{ends[0]}{self.low:.4g}, {self.high:.4g}{ends[1]}"


LINE = Range(-INF, INF)
End = tuple[float, bool]
"""A bound, and whether it is open."""


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
            case Apply("div", (x, Reduce("sum", y))) if x == y and self.of(x).low >= 0:
                self.of(expr.args[1])
                share = Range(0.0, 1.0, self.of(x).above(0), self.units > 1 and self.of(x).above(0))
                return replace(share, low=1.0, low_open=False) if self.units == 1 else share
            case Apply("mul", (x, y)) if x == y:
                return _square(self.of(x))
            case Apply("sub", (x, y)) if x == y:
                self.of(x)
                return Range(0.0, 0.0)
            case Apply(op, args):
                ranges = tuple(self.of(a) for a in args)
                if (blamed := lacking(op, ranges)) is not None:
                    self.faults.append(Fault(expr, args[blamed], ranges[blamed]))
                if op == "div" and self._outweighs(args[1], args[0]):
                    return Range(-1.0, 1.0, True, True)
                return _FUNCTIONS[op](*ranges) if op in _FUNCTIONS else LINE
            case _:
                return LINE  # of places and draws nothing is asked: they stand in no loss

    def _reduced(self, op: str, arg: Expr) -> Range:
        inner = self.of(arg)
        if op == "norm":
            return _square_root(_corners(lambda a, b: a * b, _square(inner), Range(self.units, self.units)))
        if op != "sum":
            return inner
        match arg:
            case Apply("mul", (a, b)) if self.one_hot in (a, b):
                return self.of(b if a == self.one_hot else a)
        if arg == self.one_hot:
            return Range(1.0, 1.0)
        return _corners(lambda a, b: a * b, inner, Range(self.units, self.units))

    def _outweighs(self, below: Expr, x: Expr) -> bool:
        """Is `below` c + |x| or sqrt(c + x^2), with c > 0?"""
        match below:
            case Apply("add", (c, Apply("abs", (y,))) | (Apply("abs", (y,)), c)):
                return x == y and self.of(c).above(0)
            case Apply("sqrt", (Apply("add", (c, square) | (square, c)),)) if _root(square) == x:
                return self.of(c).above(0)
        return False

    # -- choices -----------------------------------------------------------------------------------

    def _chosen(self, condition: Expr, a: Expr, b: Expr) -> Range:
        decided = self.truth(condition)
        branches = [(a, True)] * (decided is not False) + [(b, False)] * (decided is not True)
        return _hull(self._branch(condition, value, holds) for value, holds in branches)

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
                gap = _corners(lambda x, y: x - y, self.of(low), self.of(high))  # of lt: b - a
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
                return {**self._narrowed(c, holds), **self._narrowed(d, holds)}
            case Apply("lt" | "le" | "gt" | "ge" as op, (a, b)):
                less = (op in ("lt", "le")) == holds
                strict = (op in ("lt", "gt")) == holds
                small, large = (a, b) if less else (b, a)
                below, above = self.of(small), self.of(large)
                top, bottom = _end(below, above, strict, True), _end(above, below, strict, False)
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
    pieces = _hull(Ranges({variable: Range(a, b)}).of(value) for a, b in pairwise(cuts))
    low, high = _end(pieces, whole, False, False), _end(pieces, whole, False, True)
    return Range(low[0], high[0], low[1], high[1])


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


# -- bounds ------------------------------------------------------------------------------------------


def _end(own: Range, other: Range, strict: bool, upper: bool) -> End:
    """The nearer of two upper (or lower) ends."""
    a = (own.high, own.high_open) if upper else (own.low, own.low_open)
    b = (other.high, other.high_open) if upper else (other.low, other.low_open)
    b = (b[0], b[1] or strict)
    if a[0] == b[0]:
        return a[0], a[1] or b[1]
    return min(a, b) if upper else max(a, b)


def _hull(ranges: Iterator[Range]) -> Range:
    found = list(ranges)
    low, high = min(r.low for r in found), max(r.high for r in found)
    lows, highs = ([r for r in found if r.low == low], [r for r in found if r.high == high])
    return Range(low, high, all(r.low_open for r in lows), all(r.high_open for r in highs))


def _corners(function: Callable[[float, float], float], a: Range, b: Range) -> Range:
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


def _square(r: Range) -> Range:
    size = _abs(r)
    return Range(size.low * size.low, size.high * size.high, size.low_open, size.high_open)


def _square_root(r: Range) -> Range:
    inside = Range(max(r.low, 0.0), max(r.high, 0.0), r.low_open and r.low >= 0, r.high_open)
    return _rising(math.sqrt)(inside)


def _root(square: Expr) -> Expr | None:
    match square:
        case Apply("mul", (x, y)) if x == y:
            return x
        case Apply("pow", (x, Const(2.0))):
            return x
    return None


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
    ends = [(INF if x >= 0 else -INF, True) for x in (b.low, b.high) if x == 0] or []
    if ends:  # 1/b, b touching 0 from one side
        side = 1.0 if b.high > 0 else -1.0
        far = b.high if side > 0 else b.low
        inverse = _between([(side * INF, True), (1 / far if far else side * INF, True)])
    else:
        inverse = Range(1 / b.high, 1 / b.low, b.high_open, b.low_open)
    return _corners(lambda x, y: x * y, a, inverse)


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


_FUNCTIONS: Mapping[str, Callable[..., Range]] = {
    "add": lambda a, b: _corners(lambda x, y: x + y, a, b),
    "sub": lambda a, b: _corners(lambda x, y: x - y, a, b),
    "mul": lambda a, b: _corners(lambda x, y: x * y, a, b),
    "div": _quotient,
    "pow": _power,
    "neg": lambda r: Range(-r.high, -r.low, r.high_open, r.low_open),
    "exp": _rising(math.exp),
    "expm1": _rising(math.expm1),
    "log": _rising(math.log),
    "log1p": _rising(math.log1p),
    "sqrt": _square_root,
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
